"""Finds what has to change for grants to be as a set-up file wants them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate, set_suspended, start_issue
from credservice.credentials.transitions import has_or_had
from credservice.manifest.document import Item, dotted
from credservice.manifest.schema import Change, Plan, chunks
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.grants import grant_credential, grant_to_new, may_follow, usable_of, withdraw_grant

Place = tuple[UUID, UUID]  # (integration, end user), or (integration, installation)


@dataclass(frozen=True)
class Wanted:
    """A grant that the file wants, with its values."""

    item: Item
    integration: Integration
    end_user: EndUser
    installation: Installation | None
    is_new: bool  # the end user is: nobody else can see them yet
    values: dict[str, str] = field(repr=False)

    @property
    def place(self) -> Place:
        return self.integration.pk, (self.installation or self.end_user).pk


def compare(plan: Plan, wanted: Sequence[Wanted], owners: Sequence[Any], *, by: str) -> Iterator[Change]:
    """Find the changes for what is wanted of these saved end users or installations (``by``), and of new ones.

    A value that was there before is not brought back: it was replaced since, perhaps because it leaked.
    """
    _note_shared(plan, wanted)
    grants = _grants(owners, by) if wanted else {}
    lines = _lines([grant.line for grant in grants.values()])
    for one in wanted:
        grant = grants.get(one.place)
        if grant is None:
            yield Change("+", one.item, write=_first(one, plan.actor))
            continue
        line = [credential for credential in lines[grant.line] if credential.subject == one.end_user.subject]
        newest = line[0] if line else None
        if newest is None:
            yield Change("~", one.item, "changed", _replace(one, grant, plan.actor))
        elif not any(has_or_had(credential, one.values) for credential in line):
            other = "" if newest.policy_id == one.integration.policy_id else ", for another policy"
            yield Change("~", one.item, f"changed{other}", _succeed(one, grant, newest, plan.actor))
        elif not has_or_had(newest, one.values):
            plan.note(one.item, "these values were replaced here since; they are not brought back")
        elif not newest.is_usable():
            plan.note(one.item, f"this credential is {newest.state}; the same values are not brought back")


def _note_shared(plan: Plan, wanted: Sequence[Wanted]) -> None:
    """Tell where two customers would have the same values: a slip in a reference lets one act as the other."""
    first: dict[tuple[tuple[str, str], ...], Wanted] = {}
    for one in wanted:
        other = first.setdefault(tuple(sorted(one.values.items())), one)
        if _customer(other) != _customer(one):
            plan.note(one.item, f"these are the values of {dotted(other.item.path)} too: is one of the two a slip?")


def _customer(one: Wanted) -> str:
    return one.end_user.external_id or one.end_user.subject


def _grants(owners: Sequence[Any], by: str) -> dict[Place, Grant]:
    found: dict[Place, Grant] = {}
    for some in chunks(owners):
        where: dict[str, Any] = {f"{by}__in": some}
        where |= {"installation": None} if by == "end_user" else {}
        for grant in Grant.objects.filter(**where):
            found[grant.integration_id, getattr(grant, f"{by}_id")] = grant
    return found


def _lines(lines: Sequence[UUID]) -> dict[UUID, list[Credential]]:
    """Read the credentials of each line, the newest first."""
    found: defaultdict[UUID, list[Credential]] = defaultdict(list)
    for some in chunks(lines):
        credentials = Credential.objects.filter(line__in=some).select_related("policy")
        for credential in credentials.order_by("-created_at"):
            found[credential.line].append(credential)
    return found


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
    """Begin a new line of credentials, and end the old one where no other grant hands it out."""

    def write() -> None:
        withdraw_grant(grant=grant, actor=actor, reason="the integration has another policy")
        _first(one, actor)()

    return write


def _succeed(one: Wanted, grant: Grant, newest: Credential, actor: str) -> Callable[[], None]:
    """Go on with a line, by the policy that the integration has now: from what it hands out, else from its newest."""

    def write() -> None:
        policy, current = one.integration.policy, usable_of(grant) or newest
        if current.policy_id != policy.pk and not may_follow(grant, current, policy):
            _replace(one, grant, actor)()
            return
        if current.takes_successor():
            rotate(credential=current, actor=actor, entered=one.values, policy=policy)
            return
        start_issue(
            policy=policy,
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
