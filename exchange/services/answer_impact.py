"""Foretells whose answers a changed response shape or policy of an integration would change, and how.

The console asks before it saves; the vendor API and ``apply`` refuse what nobody has accepted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from credservice.core.names import printable
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import PolicyImpact, Whose, foretell_changes
from credservice.credentials.rotation_impact import counted
from credservice.crypto import SealError
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.served import served, still_renewed
from exchange.shapes import CREDENTIAL, END_USER, TEXT, MissingAttributes, fill, noun_of, read_source

MAX_LOOKED_AT = 500  # installations that are answered, the newest: of one change, over all its integrations
MAX_NAMED = 5


class _Value(NamedTuple):
    """Stands for a credential's value of this name. No text equals it: else a guess at one would be answered."""

    name: str


Values = Mapping[str, _Value]
_Makes = tuple[bool, frozenset[str]] | None  # if an issuer makes the values, and their names


class Lack(NamedTuple):
    """One thing that an answer lacks, by its source's kind. ``what`` is to be added to ``whom``, if that mends it."""

    kind: str
    what: str = ""
    whom: EndUser | Installation | None = None


class Answer(NamedTuple):
    """The fields of an answer; of none, ``why`` there is none, and all that it ``lacks`` for its fields."""

    fields: Mapping[str, Any] | None
    why: str = ""
    lacks: Sequence[Lack] = ()


@dataclass
class Look:
    """Keeps the looks of one change short: so many installations in all, and each credential is opened once.

    ``instead``: what lines would hand out, and not what they do.
    """

    left: int = field(default_factory=lambda: MAX_LOOKED_AT)
    opened: dict[tuple[Any, bytes], Values | None] = field(default_factory=dict)
    instead: Mapping[UUID, Credential] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """Holds what the newest installations of an integration are answered, as it is in memory, at one time."""

    integration: Integration
    by_installation: Mapping[Installation, Answer]
    more: bool  # than were looked at

    @property
    def shape(self) -> Mapping[str, str]:
        shape: Mapping[str, str] = self.integration.response_shape
        return shape


@dataclass
class AnswerImpact:
    """Installations that would be answered differently, with how, and not at all, each with why.

    ``more``: there are others, of which nobody knows.
    """

    different: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)  # a sentence for each field that is different
    unanswered: list[str] = field(default_factory=list)
    lacking: dict[str, list[EndUser | Installation]] = field(default_factory=dict)  # by what is to be added to them
    looked_at: int = 0
    more: bool = False
    made: Sequence[PolicyImpact] = ()  # what another policy makes otherwise
    renewed: Sequence[str] = ()  # what that policy does not make the successors of

    def __bool__(self) -> bool:
        return bool(self.different or self.unanswered or self.more or self.made)

    def sentences(self, *, named: bool = True) -> list[str]:
        """Say it; not ``named``: to who may not read installations, without their ids and what they lack."""
        told = []
        if self.unanswered:
            told.append(f"{_number(self.unanswered)} would get no answer{some(self.unanswered) if named else ''}.")
        if self.different:
            names = some(self.different) if named else ""
            told.append(f"{_number(self.different)} would be answered differently{names}.")
        # The integration itself is the one that they would name.
        told += [*self.changes, *(each for made in self.made for each in made.sentences(lambda obj: False))]
        told += self.renewed if self.made else []
        if self.more and self.looked_at:
            told.append(f"There are more installations: only the newest {self.looked_at} were looked at.")
        elif self.more:
            told.append(f"Its installations were not looked at: only the newest {MAX_LOOKED_AT} of a change are.")
        return [printable(each) for each in told]

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        counts = {
            "different": len(self.different),
            "unanswered": len(self.unanswered),
            "not_all_looked_at": int(self.more),
        }
        return counts | {name: count for made in self.made for name, count in made.counts().items()}


def foretell_answers(now: Integration, then: Integration) -> AnswerImpact:
    """Compare the answers of its installations as it is with those as it would be."""
    if is_answered_alike(now, then.response_shape, then.policy):
        return AnswerImpact()
    look = Look()
    before = answers_of(now, look)
    return compare_answers(before, answers_of(then, look, among=before.by_installation))


def is_answered_alike(now: Integration, shape: Mapping[str, str], policy: CredentialPolicy) -> bool:
    """Tell if neither the shape nor the policy is another, nor what that makes: then no answer changes, nor the next
    credentials."""
    same = now.response_shape == shape and now.policy_id == policy.pk
    return bool(same) and _makes(now.policy) == _makes(policy)


def answers_of(integration: Integration, look: Look, *, among: Collection[Installation] | None = None) -> Answers:
    """Find what its installations are answered as it is in memory: the newest, or those ``among``.

    Credentials are opened for the names of their values alone: those of one may be older than its policy. What is
    pending or suspended, itself or by its end user, is left out: whoever makes many of those is not to hide the others.
    Those of a suspended integration count: it is resumed without a question.
    """
    limit = look.left if among is None else len(among)
    rows = Installation.objects.filter(integration=integration)
    if among is None:
        rows = rows.filter(state=Installation.State.ACTIVE, end_user__is_active=True)
    else:
        rows = rows.filter(pk__in=[each.pk for each in among])
    found = list(rows.select_related("end_user").order_by("-created_at")[: limit + 1])
    looked_at = found[:limit]
    if among is None:
        look.left -= len(looked_at)
    for each in looked_at:
        each.integration = integration
    answers = answer_each(looked_at, look)
    return Answers(integration, answers, more=len(found) > limit)


def answer_each(installations: Iterable[Installation], look: Look) -> dict[Installation, Answer]:
    """Find what these are answered, as they, their end users and their integrations are in memory."""
    by_integration: defaultdict[Integration, list[Installation]] = defaultdict(list)
    for each in installations:
        by_integration[each.integration].append(each)
    answers: dict[Installation, Answer] = {}
    for integration, its_own in by_integration.items():
        handed_out = _handed_out(integration, its_own, look)
        answers |= {each: _answer(integration, each, handed_out) for each in its_own}
    return answers


def answer_with(installation: Installation, names: Iterable[str]) -> Answer:
    """Find what it is answered where it is handed a credential that has values of these names."""
    return _answer(installation.integration, installation, {installation: _stand_ins(names)})


def compare_answers(before: Answers, after: Answers) -> AnswerImpact:
    """Tell what would change for those that are answered before, and of the next credentials, where another policy is
    chosen. Who gets no answer before loses none.

    A field whose source is another is changed, whatever its value: a guess at a value is not told from others.
    """
    now, then = before.integration, after.integration
    is_other = (before.shape, _makes(now.policy)) != (after.shape, _makes(then.policy))
    impact = AnswerImpact(looked_at=len(before.by_installation), more=before.more and is_other)
    if now.policy_id != then.policy_id:  # of one that is changed itself, its own page and entry tell
        whose = Whose(lambda policy: (), lambda policy: served(then))
        impact.made, impact.renewed = foretell_changes(now.policy, then.policy, whose), still_renewed(then)
    fields = {**before.shape, **after.shape}
    by_source = {name for name in fields if before.shape.get(name) != after.shape.get(name)}
    changed: set[str] = set()
    for installation, old in before.by_installation.items():
        new = after.by_installation.get(installation)
        if old.fields is None or new is None:
            continue
        if new.fields is None:
            impact.unanswered.append(f"{installation} ({new.why})")
            for _, what, whom in new.lacks:
                if whom and whom not in impact.lacking.setdefault(what, []):
                    impact.lacking[what].append(whom)
        elif others := by_source | {name for name in fields if old.fields.get(name) != new.fields.get(name)}:
            impact.different.append(str(installation))
            changed |= others
    names = [name for name in fields if name in changed]
    impact.changes = [_change(name, before.shape.get(name), after.shape.get(name)) for name in names]
    return impact


def _change(name: str, old: str | None, new: str | None) -> str:
    """Say of a field what is different, by its sources: never what was or would be sent."""
    if new is None:
        return f"`{name}` is no longer sent."
    if old is None:
        return f"`{name}` is new."
    if old == new:
        return f"`{name}` has another value."
    kind, source = read_source(new)
    if kind == TEXT:
        return f"`{name}` is {'another' if read_source(old)[0] == TEXT else 'now a'} fixed text."
    return f"`{name}` now comes from {_origin(kind, source)}."


def _origin(kind: str, name: str) -> str:
    if kind == CREDENTIAL:
        return f"the value {name}"
    if (kind, name) == (END_USER, "external_id"):
        return "the customer's external_id"
    return f"the {noun_of(kind)}'s attribute {name}"


def _unanswered(installation: Installation, missing: MissingAttributes) -> Answer:
    lacks = [_lack(installation, kind, name) for kind, names in missing.names.items() for name in names]
    told = []
    for kind in missing.names:
        whose = "its credential" if kind == CREDENTIAL else f"the {noun_of(kind)}"
        told.append(f"{whose} has {' and '.join(f'no {lack.what}' for lack in lacks if lack.kind == kind)}")
    return Answer(None, ", and ".join(told), lacks)


def _lack(installation: Installation, kind: str, name: str) -> Lack:
    if kind == CREDENTIAL:
        return Lack(kind, f"value {name}")
    is_customers = kind == END_USER
    what = "external_id" if is_customers and name == "external_id" else f"attribute {name}"
    return Lack(kind, what, installation.end_user if is_customers else installation)


def _answer(
    integration: Integration, installation: Installation, handed_out: Mapping[Installation, Values | None]
) -> Answer:
    granted = installation in handed_out
    values = handed_out[installation] if granted else _made(integration.policy)
    if values is None:
        return Answer(None, "its credential is not handed out" if granted else "its values would have to be entered")
    end_user = installation.end_user
    known = {"external_id": end_user.external_id} if end_user.external_id else {}
    sources = {
        "credential": values,
        "end_user": end_user.attributes | known,
        "installation": installation.attributes,
    }
    try:
        return Answer(fill(integration.response_shape, sources))
    except MissingAttributes as missing:
        return _unanswered(installation, missing)


def _made(policy: CredentialPolicy) -> Values | None:
    """Stand in for the values that a first exchange would have made; None where they are entered."""
    makes = _makes(policy)
    return _stand_ins(makes[1]) if makes and makes[0] else None


def _makes(policy: CredentialPolicy) -> _Makes:
    try:
        return policy.backend().generates, frozenset(policy.value_names())
    except ImproperlyConfigured:
        return None  # settings have lost its issuer


def names_handed_out(installation: Installation) -> list[str] | None:
    """Find the names of the values that an exchange hands it today; None where it would have them made."""
    values = _handed_out(installation.integration, [installation], Look()).get(installation)
    return None if values is None else list(values)


def _handed_out(
    integration: Integration, installations: Iterable[Installation], look: Look
) -> dict[Installation, Values | None]:
    """Find the values that each is handed by its own grant, else by its end user's: None where that hands out nothing.

    Left out are those without a grant, and those whose credential has expired, where the integration's policy makes the
    next one; where it takes entered values, that credential's own may make it.
    """
    grants = Grant.objects.filter(integration=integration, end_user__in={each.end_user_id for each in installations})
    lines = {(grant.end_user_id, grant.installation_id): grant.line for grant in grants}
    unended = Credential.objects.unended().filter(line__in=set(lines.values())).select_related("policy")
    good = [each for each in unended if each.is_usable() or each.state == Credential.State.PENDING]
    # The last of a line stays. As exchange.queries chooses: usable before pending, active before retiring, the newest.
    good.sort(key=lambda each: (each.is_usable(), each.state == Credential.State.ACTIVE, each.created_at))
    by_line = {each.line: each for each in good}
    expired = _expired(set(lines.values()) - by_line.keys())
    found: dict[Installation, Values | None] = {}
    for each in installations:
        line = lines.get((each.end_user_id, each.pk)) or lines.get((each.end_user_id, None))
        if line is None:
            continue
        credential = look.instead.get(line) or by_line.get(line)
        over = None if credential else expired.get(line)
        if over is None or over.subject != each.subject:
            found[each] = _values(credential, look) if credential and credential.subject == each.subject else None
        elif _made(integration.policy) is None:
            found[each] = _made(over.policy)
    return found


def _expired(lines: Collection[UUID]) -> dict[UUID, Credential]:
    """Find the newest credential of each of these lines that hand out nothing, where its own expiry ended it."""
    of_lines = Credential.objects.filter(line__in=lines).select_related("policy")
    newest = of_lines.order_by("line", "-created_at").distinct("line") if lines else ()
    return {each.line: each for each in newest if each.has_expired() or each.is_due()}


def _values(credential: Credential, look: Look) -> Values | None:
    if credential.state == Credential.State.PENDING:
        makes = _makes(credential.policy)
        return _stand_ins(makes[1]) if makes else None
    key = credential.pk, bytes(credential.sealed_values or b"")
    if key not in look.opened:
        try:
            look.opened[key] = _stand_ins(credential.open())
        except SealError:
            look.opened[key] = None
    return look.opened[key]


def _stand_ins(names: Iterable[str]) -> Values:
    return {name: _Value(name) for name in names}


def _number(names: list[str]) -> str:
    return counted(len(names), "installations")


def some(names: list[str]) -> str:
    """Name a few of these, after a colon."""
    rest = len(names) - MAX_NAMED
    return ": " + ", ".join(names[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")
