import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("provisioning", "0011_protocol"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrokerPassword",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=36, unique=True)),
                (
                    "hint",
                    models.CharField(
                        editable=False, help_text="A keyed digest of it: tells passwords apart.", max_length=16
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "ends_at",
                    models.DateTimeField(editable=False, help_text="From then on it lets nobody in.", null=True),
                ),
                ("last_used_at", models.DateTimeField(editable=False, help_text="To the minute.", null=True)),
                (
                    "marketplace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="broker_passwords",
                        to="provisioning.marketplace",
                    ),
                ),
            ],
            options={
                "permissions": [("end_brokerpassword", "Can end a platform's password")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at__isnull", True)),
                        fields=("marketplace",),
                        name="osb_brokerpassword_one_current",
                    )
                ],
            },
        ),
    ]
