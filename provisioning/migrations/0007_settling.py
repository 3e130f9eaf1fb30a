from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0006_credential_rotations")]

    operations = [
        migrations.AlterModelOptions(
            name="operation",
            options={"permissions": [("settle_operation", "Can give up an operation")]},
        ),
        migrations.AlterModelOptions(
            name="callback",
            options={"permissions": [("settle_callback", "Can send a callback again, and close it")]},
        ),
    ]
