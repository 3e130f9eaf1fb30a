"""Notes what a policy's values were called before. Of earlier changes nobody knows.

A column with a constant default is added without rewriting the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0011_leaked_live_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="credentialpolicy",
            name="earlier_names",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                editable=False,
                help_text="What its values were called before, the oldest first: [until when, names].",
            ),
        ),
    ]
