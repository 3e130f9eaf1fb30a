from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # While the index is made, the table is written to.
    atomic = False

    dependencies = [
        ("credentials", "0007_left_outside"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("outside__in", ["open", "leaked", "forced"])),
                fields=["outside", "created_at"],
                name="credentials_left_outside",
            ),
        ),
    ]
