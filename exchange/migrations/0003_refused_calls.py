import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import credservice.crypto.fields


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0002_permissions_of_acts"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedCall",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("reason", models.CharField(max_length=64)),
                ("request_id", models.CharField(max_length=64)),
                ("source", models.GenericIPAddressField(null=True)),
                ("sealed_request", credservice.crypto.fields.SealedField(editable=False)),
                (
                    "platform",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refused_calls",
                        to="exchange.platform",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["platform", "-at"], name="exchange_refusedcall_newest")],
            },
        ),
    ]
