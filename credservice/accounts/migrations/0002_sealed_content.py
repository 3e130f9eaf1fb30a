from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_sessions")]

    operations = [migrations.RenameField("consolesession", "data", "sealed_content")]
