"""Foretells whose answers a changed response shape or policy of an integration would change, before it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import counted
from credservice.crypto import SealError
from exchange.models import Grant, Installation, Integration
from exchange.shapes import MissingAttribute, fill

MAX_LOOKED_AT = 500  # installations, the newest
MAX_NAMED = 5


class _Value(NamedTuple):
    """Stands for a credential's value of this name. No text equals it: else a guess at one would be answered."""

    name: str


Values = Mapping[str, _Value]


@dataclass
class AnswerImpact:
    """Installations that would be answered differently, and not at all, each with why."""

    different: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    more: bool = False  # than were looked at

    def __bool__(self) -> bool:
        return bool(self.different or self.unanswered)

    def sentences(self) -> list[str]:
        told = []
        if self.unanswered:
            told.append(f"{_number(self.unanswered)} would get no answer: {_some(self.unanswered)}.")
        if self.different:
            told.append(f"{_number(self.different)} would be answered differently: {_some(self.different)}.")
        if self.more:
            told.append(f"There are more: only the newest {MAX_LOOKED_AT} were looked at.")
        return told


def foretell_answers(now: Integration, then: Integration) -> AnswerImpact:
    """Compare the answers of its installations as it is with those as it would be.

    Credentials are opened for the names of their values alone: those of one may be older than its policy. Suspended
    installations, and those that are handed nothing either way, are left out.
    """
    rows = Installation.objects.filter(integration=now).exclude(state=Installation.State.SUSPENDED)
    found = list(rows.select_related("end_user").order_by("-created_at")[: MAX_LOOKED_AT + 1])
    impact = AnswerImpact(more=len(found) > MAX_LOOKED_AT)
    handed_out = _handed_out(now, found[:MAX_LOOKED_AT])
    for installation in found[:MAX_LOOKED_AT]:
        values = handed_out.get(installation)
        if values is None and installation in handed_out:
            continue
        before, _ = _answer(now, installation, values)
        after, missing = _answer(then, installation, values)
        if missing or (before is not None and after is None):
            impact.unanswered.append(f"{installation} ({missing or 'its values would have to be entered'})")
        elif before != after:
            impact.different.append(str(installation))
    return impact


def _answer(
    integration: Integration, installation: Installation, values: Values | None
) -> tuple[dict[str, Any] | None, str]:
    """Fill the answer. None where nothing is handed out, with what is missing where it cannot be filled."""
    if values is None:
        values = _made(integration.policy)
    if values is None:
        return None, ""
    end_user = installation.end_user
    known = {"external_id": end_user.external_id} if end_user.external_id else {}
    sources = {
        "credential": values,
        "end_user": end_user.attributes | known,
        "installation": installation.attributes,
    }
    try:
        return fill(integration.response_shape, sources), ""
    except MissingAttribute as error:
        return None, f"the {error}"


def _made(policy: CredentialPolicy) -> Values | None:
    """Stand in for the values that a first exchange would have made; None where they are entered."""
    return _stand_ins(policy.value_names()) if policy.backend().generates else None


def _handed_out(integration: Integration, installations: Iterable[Installation]) -> dict[Installation, Values | None]:
    """Find the values that each is handed by its own grant, else by its end user's: None where that hands out nothing.

    Those without a grant are left out.
    """
    grants = Grant.objects.filter(integration=integration, end_user__in={each.end_user_id for each in installations})
    lines = {(grant.end_user_id, grant.installation_id): grant.line for grant in grants}
    unended = Credential.objects.unended().filter(line__in=set(lines.values())).select_related("policy")
    good = [each for each in unended if each.is_usable() or each.state == Credential.State.PENDING]
    # The last of a line stays. As exchange.queries chooses: usable before pending, active before retiring, the newest.
    good.sort(key=lambda each: (each.is_usable(), each.state == Credential.State.ACTIVE, each.created_at))
    by_line = {each.line: each for each in good}
    found = {}
    for each in installations:
        line = lines.get((each.end_user_id, each.pk)) or lines.get((each.end_user_id, None))
        if line is not None:
            credential = by_line.get(line)
            found[each] = _values(credential) if credential and credential.subject == each.subject else None
    return found


def _values(credential: Credential) -> Values | None:
    if credential.state == Credential.State.PENDING:
        return _stand_ins(credential.policy.value_names())
    try:
        return _stand_ins(credential.open())
    except SealError:
        return None


def _stand_ins(names: Iterable[str]) -> Values:
    return {name: _Value(name) for name in names}


def _number(names: list[str]) -> str:
    return counted(len(names), "installations")


def _some(names: list[str]) -> str:
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")
