"""Every change that a console form makes leaves its line in the trail, in the same transaction.

Django calls ``log_addition`` and its like inside the transaction of the change; here they write to the trail. Django's
own history (LogEntry) stays empty: one record, which nobody can change.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.forms import BaseForm, Field, JSONField
from django.http import HttpRequest

from credservice.audit import record
from credservice.console.actor import actor_of
from credservice.console.widgets import is_secret

MAX_TEXT = 200


def object_type_of(model: type[Model]) -> str:
    """How the trail calls a model: ``EndUser`` is ``end_user``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


class AuditedAdmin(ModelAdmin):  # type: ignore[type-arg]
    """``names_only``: fields of which the trail keeps that they changed, not from what to what."""

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
        name = object_type_of(type(obj))
        record(
            action=f"{name}.{verb}",
            actor=actor_of(request),
            object_type=name,
            object_id=obj.pk,
            subject=self.subject_of(obj),
            detail=detail,
        )

    def subject_of(self, obj: Any) -> str:
        """Whose it is, as the trail writes it."""
        return str(getattr(obj, "subject", ""))

    def _change(self, form: BaseForm, name: str, add: bool) -> dict[str, Any]:
        field = form.fields.get(name)
        if field is None or name in self.names_only or is_secret(field):
            return {}
        new = _plain(form.cleaned_data.get(name), field)
        old = None if add else _plain(form[name].initial, field)
        return {"to": new} if add else {"from": old, "to": new}


def _plain(value: Any, field: Field) -> Any:
    """A value as the trail may hold it: short, and JSON."""
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
