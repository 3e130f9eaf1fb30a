from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0004_mindcloud_users"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="enduser",
            options={
                "permissions": [
                    ("suspend_enduser", "Can suspend and resume an end user"),
                    ("rebind_enduser", "Can say which customer of the vendor's an end user is"),
                ]
            },
        ),
    ]
