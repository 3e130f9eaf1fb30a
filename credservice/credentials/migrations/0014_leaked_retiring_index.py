"""Finds the few credentials that have leaked and retire: one may be all that its line hands out."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0013_older_than_names_index"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("leaked_at__isnull", False), ("state", "retiring")),
                fields=["leaked_at"],
                name="credentials_leaked_retiring",
            ),
        ),
        # No column changes.
        migrations.AlterField(
            model_name="credential",
            name="leaked_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Who reported that; credential:ID where that of another line was, which has a secret of it.",
                max_length=255,
            ),
        ),
    ]
