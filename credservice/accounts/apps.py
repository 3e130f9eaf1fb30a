"""Registers the app of operators and their second factor."""

from allauth.account.apps import AccountConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "credservice.accounts"
    verbose_name = "Access"
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        # Only now are there models to import.
        from credservice.accounts import audit, sealing  # noqa: F401 - connect the signals


class AllauthAccountConfig(AccountConfig):  # type: ignore[misc]
    """Does without allauth's own middleware, which it wants for every path; ours runs it for the console's alone."""

    default = False

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401 - registers them
