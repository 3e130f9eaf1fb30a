"""Registers the app of rate counters."""

from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "credservice.limits"
    label = "limits"
    verbose_name = "Rate limits"
