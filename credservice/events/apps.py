"""Registers the app of events and their endpoints."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "credservice.events"
    label = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        # Only now may models be imported.
        from django.db.models.signals import post_save

        from credservice.events.emit import forget_wanted
        from credservice.events.manifest import register_sections
        from credservice.events.models import EventEndpoint

        post_save.connect(forget_wanted, sender=EventEndpoint)
        register_sections()
