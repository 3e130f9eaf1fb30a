"""Records every change that a console form makes in the audit log, in the same transaction.

Django calls ``log_addition`` and its like inside the transaction of the change; here they write to the audit log.
Django's own history (LogEntry) stays empty: one record, which nobody can change.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.forms import BaseForm, Field, JSONField
from django.http import HttpRequest

from credservice.adminkit.widgets import is_secret
from credservice.audit import Line, record
from credservice.audit.names import actor_of, object_type_of

MAX_TEXT = 200


class AuditedAdmin(ModelAdmin):  # type: ignore[type-arg]
    """``names_only``: fields of which the audit log keeps that they changed, not from what to what."""

    names_only: tuple[str, ...] = ()

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Iterable[Any] | None, add: bool = False
    ) -> Any:
        return {name: self._change(form, name, add) for name in form.changed_data}

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self.record(request, "created", obj, {"values": message})

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if message:
            self.record(request, "changed", obj, {"changes": message})

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> Any:
        for obj in queryset:
            self.record(request, "deleted", obj, {"name": str(obj)[:MAX_TEXT]})

    def record(self, request: HttpRequest, verb: str, obj: Model, detail: dict[str, Any]) -> None:
        record(Line.about(obj, f"{object_type_of(obj._meta.model)}.{verb}", actor_of(request), detail))

    def _change(self, form: BaseForm, name: str, add: bool) -> dict[str, Any]:
        field = form.fields.get(name)
        if field is None or name in self.names_only or is_secret(field):
            return {}
        new = _plain(form.cleaned_data.get(name), field)
        old = None if add else _plain(form[name].initial, field)
        return {"to": new} if add else {"from": old, "to": new}


def _plain(value: Any, field: Field) -> Any:
    """Write a value as the audit log may hold it: short, and JSON."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())} s"
    if isinstance(field, JSONField):
        return str(field.prepare_value(value))[:MAX_TEXT]
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return sorted(str(item)[:MAX_TEXT] for item in value)
    return str(value)[:MAX_TEXT]
