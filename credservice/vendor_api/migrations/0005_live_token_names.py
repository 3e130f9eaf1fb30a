from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vendor_api", "0004_idempotent_call"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="servicetoken",
            options={
                "ordering": ["name", "-created_at"],
                "permissions": [("revoke_servicetoken", "Can revoke a service token")],
            },
        ),
        migrations.AlterField(
            model_name="servicetoken",
            name="name",
            field=models.CharField(max_length=128),
        ),
        migrations.AddConstraint(
            model_name="servicetoken",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)), fields=("name",), name="vendor_api_servicetoken_live_name"
            ),
        ),
    ]
