from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0006_erasure"),
    ]

    operations = [
        migrations.AddField(
            model_name="signingsecret",
            name="last_used_at",
            field=models.DateTimeField(null=True, help_text="When it last verified a call; to the minute."),
        ),
    ]
