"""Finds which of an import's thousand values were reported as leaked. By the index of all digests, PostgreSQL would
look for one, but for a thousand at once it would rather read the table."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0009_leaks"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=GinIndex(
                condition=models.Q(("leaked_at__isnull", False)),
                fastupdate=False,
                fields=["value_digests"],
                name="credentials_leaked_digests",
            ),
        ),
    ]
