from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0004_created_first"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False), ("sealed_values__isnull", False)),
                fields=["ended_at"],
                name="credentials_to_erase",
            ),
        ),
    ]
