"""Shows and changes event endpoints and deliveries in the console."""

from credservice.events.admin import deliveries, endpoints

__all__ = ["deliveries", "endpoints"]
