"""From what the trail names to the page about it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.console.audited import object_type_of


def page_of(obj: Model) -> str:
    return _change_page(type(obj), obj.pk)


def link_to(obj: Model | None, text: object = None) -> SafeString | str:
    """The object, as a link to its page."""
    return format_html('<a class="text-link" href="{}">{}</a>', page_of(obj), text or obj) if obj else ""


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the model's list, filtered."""
    from urllib.parse import urlencode

    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a class="text-link" href="{}?{}">{}</a>', url, urlencode(filters), text)


def named_link(object_type: str, object_id: str, text: str = "") -> SafeString | str:
    """The page of what the trail calls ``object_type`` and ``object_id``; plain text where there is none."""
    text = text or object_id
    for model in admin.site._registry:
        if object_id and object_type_of(model) == object_type:
            return format_html('<a class="text-link" href="{}">{}</a>', _change_page(model, object_id), text)
    return text


def subject_link(subject: str) -> SafeString | str:
    """The page of a subject such as ``end_user:...``."""
    object_type, _, object_id = subject.partition(":")
    return named_link(object_type, object_id, subject)


def _change_page(model: type[Model], pk: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(pk)])
