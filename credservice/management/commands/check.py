"""``manage.py check``: Django's, which would say of missing settings that the database does not answer."""

from django.core.management.commands import check

from credservice.management.settings_first import SettingsFirst


class Command(SettingsFirst, check.Command):
    pass
