from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0010_leaked_digests_index"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("leaked_at__isnull", False), ("state", "active")),
                fields=["leaked_at"],
                name="credentials_leaked_live",
            ),
        ),
    ]
