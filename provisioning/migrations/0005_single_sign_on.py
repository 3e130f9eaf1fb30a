import uuid

import django.db.models.deletion
from django.db import migrations, models

import credservice.crypto.fields


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0004_operations")]

    operations = [
        migrations.AddField(
            model_name="product",
            name="dashboard_url",
            field=models.URLField(
                blank=True,
                help_text="Your own dashboard, which a marketplace's user is handed over to. Empty: our page of the resource.",
                max_length=255,
                default="",
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="ResourceSession",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(editable=False, max_length=36, unique=True)),
                (
                    "user",
                    models.CharField(blank=True, help_text="The marketplace's id of its user.", max_length=64),
                ),
                ("sealed_token", credservice.crypto.fields.SealedField()),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="provisioning.resource",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["expires_at"], name="provisioning_session_expiry")]},
        ),
        migrations.CreateModel(
            name="HandOver",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(editable=False, max_length=36, unique=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.resource",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["expires_at"], name="provisioning_handover_expiry")]},
        ),
    ]
