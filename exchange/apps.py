"""Registers the exchange door, and tells the kernel of end users."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "exchange"
    verbose_name = "Exchange"

    def ready(self) -> None:
        from credservice.credentials.hooks import register_policies, register_subject
        from credservice.credentials.policy_impact import register_served
        from credservice.credentials.rotation_impact import register_fillable, register_reach
        from credservice.events.examples import register_examples
        from exchange.credential_hooks import (
            end_user_subject,
            installations_of,
            integrations_served,
            policies_of,
            unanswered_with,
        )
        from exchange.manifest.sections import register_sections
        from exchange.services.events import tell_examples
        from exchange.vendor_api import export

        register_sections()
        register_examples(tell_examples)
        export.register()
        register_reach(installations_of)
        register_fillable(unanswered_with)
        register_served(integrations_served)
        register_subject("end_user", end_user_subject)
        register_policies(policies_of)
