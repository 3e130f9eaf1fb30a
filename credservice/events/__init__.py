"""Sends events to the vendor: signed webhooks, from an outbox in the database. See docs/events.md."""
