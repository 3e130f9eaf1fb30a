from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    name = "credservice.console"
    label = "console"
    verbose_name = "Console"
    default = True

    def ready(self) -> None:
        from credservice.console import sign_in  # noqa: F401 - connects the signals


class ConsoleAdminConfig(admin_apps.AdminConfig):
    """django.contrib.admin, with our site as the default one."""

    default = False
    default_site = "credservice.console.site.ConsoleSite"
