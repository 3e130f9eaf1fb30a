"""Registers the app whose models the admin pages are built on."""

from django.apps import AppConfig


class AdminKitConfig(AppConfig):
    name = "credservice.adminkit"
    label = "console"  # of its tables, permissions and jobs since they were the console's own
    verbose_name = "Console"
