from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "credservice.events"
    label = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        from django.db.models.signals import post_save

        from credservice.events.emit import forget_wanted
        from credservice.events.models import EventEndpoint
        from credservice.events.setup import register_sections

        post_save.connect(forget_wanted, sender=EventEndpoint)
        register_sections()
