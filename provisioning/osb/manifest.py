"""Declares the part of a set-up file that names a platform's password."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from credservice.core.exceptions import Invalid
from credservice.manifest.columns import read_secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.inline import placeholder
from credservice.manifest.schema import Change, ChangedAnswers, Extra, Hidden, Plan, Row
from provisioning.models import Marketplace
from provisioning.osb import PROTOCOL
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import (
    DEFAULT_OVERLAP,
    check_text,
    digest_of,
    ended_by_a_new_one,
    enter_password,
    foretell_end,
)


class PasswordReference(Extra):
    """The newest password of a platform. Another one becomes the newest, and the one before stays for a day.

    A password that the platform had before is not brought back: it was replaced since, perhaps because it leaked.
    """

    name = "password"
    what = "env:NAME or file:PATH"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        for row in rows:
            item = row.entry(self.name)
            if row.obj.protocol_name != PROTOCOL:
                continue  # refused already, where there is one
            if item is not None:
                yield from self._compare(plan, row, item)
            elif row.is_new:
                plan.note(row.item, "it has no password yet, so all that it sends is refused")

    def _compare(self, plan: Plan, row: Row, item: Item) -> Iterable[Change]:
        try:
            text = read_secret(item).strip()
            check_text(text)
        except (BadValue, Invalid) as error:
            plan.refuse(item, str(error))
            return
        known = [] if row.is_new else list(BrokerPassword.objects.filter(marketplace=row.obj))
        same = [password for password in known if bytes(password.digest) == digest_of(text)]
        if not same:
            write = _enter(row.obj, text, plan.actor)
            yield Change("~", item, "changed", write) if known else Change("+", item, write=write)
        elif all(password.ends_at is not None for password in same):
            plan.note(item, "this password was replaced here since; it is not brought back")

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        having = set(BrokerPassword.objects.filter(marketplace__in=objects).values_list("marketplace_id", flat=True))
        return {obj.pk: Hidden(placeholder((*path(obj), self.name))) for obj in objects if obj.pk in having}


def watch_passwords(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Find which passwords in use the plan ends, before it is written: those from before the present one."""
    entered = {
        change.item.path[1]: change.item
        for step in plan.steps
        for extra, changes in step.extras
        if isinstance(extra, PasswordReference)
        for change in changes
    }
    found = [
        ChangedAnswers(entered[each.name], told, told, {"passwords_of_calls": 1})
        for each in Marketplace.objects.filter(name__in=entered)
        if (told := foretell_end(ended_by_a_new_one(each, DEFAULT_OVERLAP)))
    ]
    return lambda: sorted(found, key=lambda each: each.item.line)


def _enter(marketplace: Marketplace, text: str, actor: str) -> Callable[[], None]:
    def write() -> None:
        enter_password(marketplace=marketplace, text=text, actor=actor)

    return write
