"""An installation that waits for approval may be refused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0005_permission_to_rebind"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="installation",
            options={
                "permissions": [
                    ("approve_installation", "Can approve and refuse an installation"),
                    ("suspend_installation", "Can suspend and resume an installation"),
                ]
            },
        ),
        migrations.AlterField(
            model_name="installation",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Waiting for approval"),
                    ("active", "Active"),
                    ("suspended", "Suspended"),
                    ("refused", "Refused"),
                ],
                default="active",
                max_length=16,
            ),
        ),
    ]
