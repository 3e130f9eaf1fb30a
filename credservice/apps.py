"""Registers the checks of the set-up."""

from django.apps import AppConfig


class CredserviceConfig(AppConfig):
    name = "credservice"

    def ready(self) -> None:
        from credservice import checks  # noqa: F401 - registers the checks
