"""Changes the state of one row: one UPDATE with the condition in it, and its line in the audit log."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Model

from credservice.audit import Line, record
from credservice.audit.names import object_type_of
from credservice.core.exceptions import Conflict


def change_state(
    *, obj: Model, field: str, source: Collection[Any], target: Any, verb: str, actor: str, why: str = "", **facts: str
) -> None:
    """Set ``field`` to ``target`` where it is one of ``source``; the line is ``<type>.<verb>``, with these ``facts``.

    Raises :class:`Conflict` where it is something else by now.
    """
    with transaction.atomic():
        rows = type(obj)._default_manager.filter(**{"pk": obj.pk, f"{field}__in": list(source)})
        if not rows.update(**{field: target}):
            raise Conflict(f"This {obj._meta.verbose_name} cannot be {verb} now: its state has changed.")
        setattr(obj, field, target)
        detail = {"name": str(obj)[:200]} | facts | ({"why": why} if why else {})
        record(Line.about(obj, f"{object_type_of(obj._meta.model)}.{verb}", actor, detail))
