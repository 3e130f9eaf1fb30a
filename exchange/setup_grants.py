"""Grants in a set-up file: the values that an end user, or one installation, is given, by reference.

Only policies whose values are entered take them; others make a credential at the first exchange.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate, set_suspended, start_issue
from credservice.setup.batches import chunks
from credservice.setup.change import Change
from credservice.setup.inline import placeholder
from credservice.setup.plan import Plan
from credservice.setup.problems import BadValue
from credservice.setup.references import read_secret
from credservice.setup.section import Extra, Hidden, Row
from credservice.setup.source import Item
from exchange.administration import grant_credential, grant_to_new, withdraw_grant
from exchange.models import EndUser, Grant, Installation, Integration

Place = tuple[UUID, UUID]  # (integration, end user), or (integration, installation)


@dataclass(frozen=True)
class Wanted:
    """What the file wants to be handed out, and to whom."""

    item: Item
    integration: Integration
    end_user: EndUser
    installation: Installation | None
    is_new: bool  # the end user is: nobody else can see them yet
    values: dict[str, str] = field(repr=False)

    @property
    def place(self) -> Place:
        return self.integration.pk, (self.installation or self.end_user).pk


class EndUserGrants(Extra):
    name = "grants"
    what = "integrations, each with its values: {int_1: {apiKey: env:NAME}}"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        wanted = [found for row in rows for found in self._wanted(plan, row)]
        return _compare(plan, wanted, [row.obj for row in rows if not row.is_new], by="end_user")

    def _wanted(self, plan: Plan, row: Row) -> Iterator[Wanted]:
        item = row.entry(self.name)
        if item is None:
            return
        if item.entries is None and not item.is_null:
            plan.refuse(item, f"this is {item.what}: write {self.what}")
        for name, part in (item.entries or {}).items():
            integration = plan.find("integrations", row.obj.platform, name)
            if integration is None:
                plan.refuse(part, f"there is no {name} under integrations, in this file or in the database")
            elif (values := _values(plan, part, integration)) is not None:
                yield Wanted(part, integration, row.obj, None, row.is_new, values)

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        grants = Grant.objects.filter(end_user__in=objects, installation=None)
        paths = {obj.pk: path(obj) for obj in objects}
        shown: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for grant in grants.select_related("integration__policy").order_by("integration__integration_id"):
            if not grant.integration.policy.backend().generates:
                shown[grant.end_user_id][grant.integration.integration_id] = _hidden(grant, paths[grant.end_user_id])
        return {pk: Hidden(values) for pk, values in shown.items()}


class InstallationGrant(Extra):
    name = "grant"
    what = "values for this installation alone: {apiKey: env:NAME}"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        wanted = [found for row in rows for found in self._wanted(plan, row)]
        return _compare(plan, wanted, [row.obj for row in rows if not row.is_new], by="installation")

    def _wanted(self, plan: Plan, row: Row) -> Iterator[Wanted]:
        item = row.entry(self.name)
        if item is None or not plan.is_sound(row.obj):
            return
        values = _values(plan, item, row.obj.integration)
        if values is not None:
            is_new = row.parent is not None and row.parent.is_new
            yield Wanted(item, row.obj.integration, row.obj.end_user, row.obj, is_new, values)

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        grants = Grant.objects.filter(installation__in=objects).select_related("integration__policy")
        paths = {obj.pk: path(obj) for obj in objects}
        return {
            grant.installation_id: Hidden(_hidden(grant, paths[grant.installation_id]))
            for grant in grants
            if not grant.integration.policy.backend().generates
        }


def _hidden(grant: Grant, path: tuple[str, ...]) -> dict[str, str]:
    integration = grant.integration
    names = integration.policy.value_names()
    return {name: placeholder((*path, integration.integration_id, name)) for name in names}


def _values(plan: Plan, item: Item, integration: Integration) -> dict[str, str] | None:
    """The values that the references name; None where there is nothing to enter, or nothing that can be."""
    if not plan.is_sound(integration) or not plan.is_sound(integration.policy):
        return None
    if item.entries is None and not item.is_null:
        plan.refuse(item, f"this is {item.what}: write each value's name and env:NAME or file:PATH")
        return None
    entries = item.entries or {}
    policy = integration.policy
    if policy.backend().generates:
        for part in entries.values():
            plan.refuse(part, f"the policy {policy.name} makes its values itself: leave them out")
        return None
    names = policy.value_names()
    for name in names:
        if name not in entries:
            plan.refuse(item, f"{name} is missing: write env:NAME or file:PATH for it")
    values: dict[str, str] = {}
    for name, part in entries.items():
        if name not in names:
            plan.refuse(part, f"the policy {policy.name} has no such value: write {', '.join(names)}")
            continue
        try:
            values[name] = read_secret(part)
        except BadValue as error:
            plan.refuse(part, str(error))
    return values if set(values) == set(names) else None


def _compare(plan: Plan, wanted: Sequence[Wanted], owners: Sequence[Any], *, by: str) -> Iterator[Change]:
    grants = _grants(owners, by) if wanted else {}
    lines = _lines([grant.line for grant in grants.values()])
    for one in wanted:
        grant = grants.get(one.place)
        if grant is None:
            yield Change("+", one.item, write=_first(one, plan.actor))
            continue
        line = lines[grant.line]
        newest = line[0] if line else None
        if newest is None or newest.policy_id != one.integration.policy_id:
            yield Change("~", one.item, "changed, for another policy", _replace(one, grant, plan.actor))
        elif not any(_same(credential, one.values) for credential in line):
            yield Change("~", one.item, "changed", _succeed(one, newest, plan.actor))
        elif not _same(newest, one.values):
            plan.note(one.item, "these values were replaced here since; they are not brought back")
        elif not newest.is_usable():
            plan.note(one.item, f"this credential is {newest.state}; the same values are not brought back")


def _grants(owners: Sequence[Any], by: str) -> dict[Place, Grant]:
    found: dict[Place, Grant] = {}
    for some in chunks(owners):
        where: dict[str, Any] = {f"{by}__in": some}
        where |= {"installation": None} if by == "end_user" else {}
        for grant in Grant.objects.filter(**where):
            found[grant.integration_id, getattr(grant, f"{by}_id")] = grant
    return found


def _lines(lines: Sequence[UUID]) -> dict[UUID, list[Credential]]:
    """The credentials of each line, the newest first."""
    found: defaultdict[UUID, list[Credential]] = defaultdict(list)
    for some in chunks(lines):
        credentials = Credential.objects.filter(line__in=some).select_related("policy")
        for credential in credentials.order_by("-created_at"):
            found[credential.line].append(credential)
    return found


def _same(credential: Credential, values: dict[str, str]) -> bool:
    return credential.sealed_values is not None and credential.open() == values


def _first(one: Wanted, actor: str) -> Callable[[], None]:
    def write() -> None:
        grant = grant_to_new if one.is_new else grant_credential
        grant(
            integration=one.integration,
            end_user=one.end_user,
            installation=one.installation,
            entered=one.values,
            actor=actor,
        )
        _keep_suspended(one.end_user)

    return write


def _replace(one: Wanted, grant: Grant, actor: str) -> Callable[[], None]:
    """The integration has another policy now: a new line of credentials, and the end of the old one."""

    def write() -> None:
        withdraw_grant(grant=grant, actor=actor, reason="the integration has another policy")
        _first(one, actor)()

    return write


def _succeed(one: Wanted, newest: Credential, actor: str) -> Callable[[], None]:
    def write() -> None:
        if newest.state == Credential.State.ACTIVE:
            rotate(credential=newest, actor=actor, entered=one.values)
            return
        start_issue(
            policy=newest.policy,
            context=newest.context,
            subject=newest.subject,
            actor=actor,
            entered=one.values,
            predecessor=newest,
        )
        _keep_suspended(one.end_user)

    return write


def _keep_suspended(end_user: EndUser) -> None:
    if not end_user.is_active:
        set_suspended(subject=end_user.subject, suspended=True)
