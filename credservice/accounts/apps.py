from allauth.account.apps import AccountConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "credservice.accounts"
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        from credservice.accounts import sealing, trail  # noqa: F401 - connect the signals


class AllauthAccountConfig(AccountConfig):  # type: ignore[misc]
    """allauth's own, which insists on a middleware of its for every path; ours runs it for the console's alone."""

    default = False

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401 - registers them
