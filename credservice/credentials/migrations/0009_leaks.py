"""Notes when a credential was reported as leaked, and by whom, for as long as it is kept. Nobody knows of earlier ones.

Columns without a default, or with a constant one, are added without rewriting the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0008_left_outside_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="leaked_at",
            field=models.DateTimeField(editable=False, help_text="When it was reported as leaked.", null=True),
        ),
        migrations.AddField(
            model_name="credential",
            name="leaked_by",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, help_text="Who reported that.", max_length=255
            ),
        ),
    ]
