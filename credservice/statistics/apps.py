"""Registers the app of hourly sums."""

from django.apps import AppConfig


class StatisticsConfig(AppConfig):
    name = "credservice.statistics"
    label = "statistics"
    verbose_name = "Statistics"
