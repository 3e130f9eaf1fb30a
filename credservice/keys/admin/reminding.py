"""Shows the day's reminders on the console's first page as well."""

from itertools import islice
from typing import Any

from django.db.models import Model
from django.urls import reverse

from credservice.adminkit.links import page_of
from credservice.adminkit.menu import MAX_COUNTED, Need
from credservice.audit.names import object_type_of
from credservice.keys.reminders import Reminder, reminders


def needs_of(model: type[Model]) -> list[Need]:
    """List what :func:`credservice.keys.reminders.reminders` says of keys, or of secrets: of each partner's, once."""
    found = (reminder for reminder in reminders() if reminder.kind == object_type_of(model))
    first: dict[Any, Reminder] = {}
    for reminder in islice(found, MAX_COUNTED):
        first.setdefault(reminder.secret_set or reminder.key_id, reminder)
    return [Need(reminder.sentence, link=_mended_at(reminder)) for reminder in first.values()]


def _mended_at(reminder: Reminder) -> str:
    """Find the page where it is seen to: a new key is made, or the set says how far the secret's rotation is."""
    return page_of(reminder.secret_set) if reminder.secret_set else reverse("admin:keys_signingkey_add")
