"""Judges the settings before the database, which perhaps does not answer because of them."""

from typing import Any

from django.core.checks import Tags, run_checks
from django.core.management.base import BaseCommand


class SettingsFirst(BaseCommand):
    """For commands of Django's that check both at once."""

    def check(self, *args: Any, **kwargs: Any) -> None:
        if any(message.is_serious() for message in run_checks(tags=[Tags.security])):
            super().check(tags=[Tags.security])
        else:
            super().check(*args, **kwargs)
