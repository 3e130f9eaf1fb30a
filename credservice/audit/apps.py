"""Registers the app of the audit log, and makes its partitions with the schema."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "credservice.audit"
    label = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        post_migrate.connect(_make_partitions, sender=self)


def _make_partitions(**_: Any) -> None:
    # Here: an app's configuration is imported before there may be models.
    from credservice.audit.partitions import make_partitions

    make_partitions()
