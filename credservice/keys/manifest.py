"""Reads a signing secret of a set-up file, for whatever has a set of them as ``secrets``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from credservice.keys.models import SigningSecret
from credservice.keys.services import enter_secret, secrets_of_text
from credservice.manifest.columns import read_secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.inline import placeholder
from credservice.manifest.schema import Change, Extra, Hidden, Plan, Row


class SigningSecretReference(Extra):
    """The current secret of a row. Another one becomes the current, and the old one stays for a day.

    A secret that the row had before is not brought back: it was replaced since, perhaps because it leaked.
    """

    name = "signing_secret"
    what = "env:NAME or file:PATH"

    def __init__(self, note: str, needed: Callable[[Any], bool] = lambda obj: True) -> None:
        """``note`` tells what a new row that has none, though it is ``needed``, cannot do yet."""
        self._note, self._needed = note, needed

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        for row in rows:
            item = row.entry(self.name)
            if item is not None:
                yield from self._compare(plan, row, item)
            elif row.is_new and self._needed(row.obj):
                plan.note(row.item, self._note)

    def _compare(self, plan: Plan, row: Row, item: Item) -> Iterable[Change]:
        try:
            text = read_secret(item).strip()
        except BadValue as error:
            plan.refuse(item, str(error))
            return
        same = [] if row.is_new else secrets_of_text(row.obj.secrets, text)
        if not same:
            write = _enter(row.obj, text, plan.actor)
            has_one = not row.is_new and row.obj.secrets.secrets.exists()
            yield Change("~", item, "changed", write) if has_one else Change("+", item, write=write)
        elif all(secret.state != SigningSecret.State.CURRENT for secret in same):
            plan.note(item, "this secret was replaced here since; it is not brought back")

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        sets = SigningSecret.objects.filter(secret_set__in=[obj.secrets_id for obj in objects])
        signed = set(sets.values_list("secret_set", flat=True))
        return {obj.pk: Hidden(placeholder((*path(obj), self.name))) for obj in objects if obj.secrets_id in signed}


def _enter(obj: Any, text: str, actor: str) -> Callable[[], None]:
    def write() -> None:
        enter_secret(secret_set=obj.secrets, text=text, actor=actor)

    return write
