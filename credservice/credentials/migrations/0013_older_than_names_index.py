"""Finds the few credentials that were made before their policy had a value, among all that it has made."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0012_earlier_names"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["policy", "activated_at"],
                name="credentials_older_than_names",
            ),
        ),
    ]
