"""Registers the app of signing secrets and keys."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "credservice.keys"
    label = "keys"
    verbose_name = "Signing secrets and keys"
