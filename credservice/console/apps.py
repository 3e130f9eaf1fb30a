"""Registers the console and its site, and keeps the roles up to date."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    name = "credservice.console"
    label = "console_site"  # adminkit, which has the tables, is "console"
    verbose_name = "Console"
    default = True

    def ready(self) -> None:
        # Only now are there models to import.
        from credservice.audit.reasons import register_key_finder
        from credservice.console import access_log, checks  # noqa: F401 - connects the signals, registers the checks
        from credservice.console.keys_in_reasons import holds_key
        from credservice.console.notices import tell_examples
        from credservice.console.roles import update_roles
        from credservice.events.examples import register_examples

        register_examples(tell_examples)
        register_key_finder(holds_key)
        self._rename_djangos()
        # Django sends post_migrate only for apps with models.
        with_models = apps.get_app_config("console")
        post_migrate.connect(update_roles, sender=with_models, dispatch_uid="credservice.console.roles")

    @staticmethod
    def _rename_djangos() -> None:
        """Name them in crumbs and counts as in the menu. Migrations look at what the classes were written with."""
        from django.contrib.auth.models import Group

        apps.get_app_config("auth").verbose_name = "Access"
        Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """Runs django.contrib.admin with our site as the default one."""

    default = False
    default_site = "credservice.console.site.ConsoleSite"
