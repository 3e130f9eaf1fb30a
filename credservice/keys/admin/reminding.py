"""Shows the day's reminders on the console's first page as well."""

from itertools import islice

from django.db.models import Model
from django.urls import reverse

from credservice.adminkit.menu import MAX_COUNTED, Need
from credservice.audit.names import object_type_of
from credservice.keys.reminders import reminders


def needs_of(model: type[Model]) -> list[Need]:
    """List what :func:`credservice.keys.reminders.reminders` says of keys, or of secrets."""
    page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    found = (reminder for reminder in reminders() if reminder.kind == object_type_of(model))
    return [
        Need(reminder.sentence, link=reverse(page, args=[reminder.key_id])) for reminder in islice(found, MAX_COUNTED)
    ]
