"""Links what the audit log names to the page about it, and models to their lists."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db.models import BinaryField, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credservice.audit.names import object_type_of
from credservice.core.names import printable
from credservice.http.context import current_context

MAX_TITLE = 120  # of what a sentence names
_LINK = '<a class="text-link" href="{}" title="{}">{}</a>'


def page_of(obj: Model) -> str:
    return _change_page(type(obj), obj.pk)


def field_of(obj: Model, name: str) -> str:
    """Find the address of one field on the object's page: see console/field.js."""
    return f"{page_of(obj)}#field-{name}"


def link_to(obj: Model | None, text: object = None) -> SafeString | str:
    """Show the object as a link to its page."""
    return format_html(_LINK, page_of(obj), obj, text or obj) if obj else ""


def list_url(model: type[Model], **filters: Any) -> str:
    """Find the address of a model's list, filtered."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    return format_html(_LINK, list_url(model, **filters), text, text)


def new_tab_link(address: str, text: object) -> SafeString:
    """Link what is to be looked at beside a form: what was typed in it stays."""
    return format_html('<a class="text-link" href="{}" target="_blank" rel="noopener">{}</a>', address, text)


def link_of_view(address: str, text: str) -> SafeString:
    """Link to a form's other view, which shows what is saved: unsaved.js asks before what is typed is dropped."""
    asks = "The other view shows what is saved: what you typed here is dropped. Save it first, or go on without it?"
    return format_html('<a class="text-link" data-drops="{}" href="{}">{}</a>', asks, address, text)


def _see_document(sentence: str, place: str, text: str) -> SafeString:
    """Lead from a help text to one of the service's documents: ``place`` is such as ``events/#verify``."""
    address = reverse("admin:documents") + place
    return format_html("{} {}.", sentence, new_tab_link(address, text))


# Help texts are written before there are addresses.
see_document = lazy(_see_document, SafeString)


def named_link(object_type: str, object_id: str, text: str = "") -> SafeString | str:
    """Link the page of what the audit log calls ``object_type`` and ``object_id``.

    Plain text where there is none, or where the reader may not open it.
    """
    model = _model_of(object_type)
    which = "" if object_id == object_type else short(object_id)  # there is one overview, say
    text = text or f"{object_type.replace('_', ' ')} {which}".strip()
    if model is None or not _is_key(model, object_id) or not _may_be_named(model):
        return format_html('<span title="{}">{}</span>', object_id, text)
    return format_html(_LINK, _change_page(model, object_id), object_id, text)


def thing_link(thing: str, names: dict[str, str]) -> SafeString | str:
    """Link the page of what is named as ``end_user:...``, under its name in ``names`` (see :func:`names_of`)."""
    object_type, _, object_id = thing.partition(":")
    return named_link(object_type, object_id, names.get(thing, "")) if thing else ""


def names_of(things: Iterable[str]) -> dict[str, str]:
    """Look up what is named as ``end_user:...``: the titles of the pages, by one query for each kind.

    Titles of some kinds name another, such as a credential's customer: of these there is one more. What the reader may
    not look at has no name here. A title may hold a partner's id, which may be anything: it is made fit for a sentence.
    """
    keys: dict[str, set[str]] = defaultdict(set)
    for thing in things:
        object_type, _, key = thing.partition(":")
        keys[object_type].add(key)
    return {
        f"{object_type}:{key}": _fit(title)
        for object_type, wanted in keys.items()
        if (model := _model_of(object_type)) is not None and _may_be_named(model)
        for key, title in _titles(model, [key for key in wanted if _is_key(model, key)])
    }


def names_in_changes(object_type: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """Find the names of what an object belongs to, or did before: changes of a foreign key are kept as ids."""
    model = _model_of(object_type)
    kinds = {
        field.name: object_type_of(field.related_model)
        for field in (model._meta.concrete_fields if model else ())
        if field.name in changes and isinstance(field.related_model, type)
    }
    things = {
        f"{kind}:{key}"
        for name, kind in kinds.items()
        if isinstance(changes[name], Mapping)
        for key in changes[name].values()
        if isinstance(key, str)
    }
    return {thing.partition(":")[2]: name for thing, name in names_of(things).items()}


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    site_admin: Any = admin.site._registry.get(model)
    return site_admin is not None and bool(site_admin.has_view_or_change_permission(request))


def _may_be_named(model: type[Model]) -> bool:
    """Tell if whoever is answered may look at rows of ``model``; outside of a request nobody reads it."""
    request = current_context().request
    return request is None or may_view(request, model)


def may_be_told_of(object_type: str) -> bool:
    """Tell if whoever is answered may read what the audit log knows of such an object: its name, and the facts."""
    model = _model_of(object_type)
    return model is None or _may_be_named(model)


def untold_kinds(request: HttpRequest) -> set[str]:
    """List the kinds that ``may_be_told_of`` refuses: for a file, which is written when the request is over."""
    return {object_type_of(model) for model in admin.site._registry if not may_view(request, model)}


def _fit(title: str) -> str:
    title = printable(title)
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"


def _titles(model: type[Model], keys: list[str]) -> Iterable[tuple[Any, str]]:
    """Read the titles of rows, without what is sealed in them."""
    if not keys:
        return ()
    site_admin: Any = admin.site._registry[model]
    binary = [field.name for field in model._meta.fields if isinstance(field, BinaryField)]
    rows = model._default_manager.select_related(*(site_admin.list_select_related or ())).defer(*binary)
    found = list(rows.filter(pk__in=keys))
    return zip((row.pk for row in found), site_admin.titles_of(found), strict=True)


def names_for(row: Any) -> dict[str, str]:
    """Find the name of a row's subject: looked up with those of the others of its page (``prepare_rows``), or alone."""
    names: dict[str, str] = row.subject_names if hasattr(row, "subject_names") else names_of([row.subject])
    return names


def short(text: str) -> str:
    """Shorten a UUID to its first eight characters: enough to tell those on one page apart."""
    return text[:8] if len(text) == 36 and text.count("-") == 4 else text


def _model_of(object_type: str) -> type[Model] | None:
    return next((model for model in admin.site._registry if object_type_of(model) == object_type), None)


def _is_key(model: type[Model], text: str) -> bool:
    """Tell keys from partners' ids, which the audit log names where a request was refused before a row was found."""
    try:
        return bool(text) and model._meta.pk.to_python(text) is not None
    except ValidationError:
        return False


def _change_page(model: type[Model], pk: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(pk)])
