from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "credservice.audit"
    label = "audit"
    verbose_name = "Audit trail"
