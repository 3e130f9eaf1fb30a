"""Registers the app whose tasks seal the audit log."""

from django.apps import AppConfig


class AuditChainConfig(AppConfig):
    """Has no models; as an installed app its ``tasks`` are found."""

    name = "credservice.audit_chain"
