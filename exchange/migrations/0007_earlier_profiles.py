"""Notes which signature profiles a platform had before. Of earlier changes nobody knows.

A column with a constant default is added without rewriting the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0006_refused_installations"),
    ]

    operations = [
        migrations.AddField(
            model_name="platform",
            name="earlier_profiles",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                editable=False,
                help_text="Its signature profiles before, the oldest first: [until when, the settings that were "
                "others].",
            ),
        ),
    ]
