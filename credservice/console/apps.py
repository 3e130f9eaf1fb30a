from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class ConsoleConfig(AppConfig):
    name = "credservice.console"
    label = "console"
    verbose_name = "Console"
    default = True

    def ready(self) -> None:
        from credservice.console import sign_in  # noqa: F401 - connects the signals
        from credservice.console.roles import update_roles

        self._rename_djangos()
        post_migrate.connect(update_roles, sender=self, dispatch_uid="credservice.console.roles")

    @staticmethod
    def _rename_djangos() -> None:
        """In crumbs and counts as in the menu. Migrations look at what the classes were written with."""
        from django.contrib.auth.models import Group

        apps.get_app_config("auth").verbose_name = "Access"
        Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """django.contrib.admin, with our site as the default one."""

    default = False
    default_site = "credservice.console.site.ConsoleSite"
