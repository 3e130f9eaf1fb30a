"""``manage.py migrate``: Django's, which would say of missing settings that the database does not answer."""

from typing import Any

from django.core.management.commands import migrate

from credservice.core import direct_database
from credservice.management.settings_first import SettingsFirst


class Command(SettingsFirst, migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        direct_database.use_it()
        super().handle(*args, **options)
