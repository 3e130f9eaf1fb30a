"""Foretells what of a successor is otherwise than of its predecessor, and whose a changed policy would make so.

An integration or a product that is given another policy is judged as a policy that is changed itself: see ``Whose``.
Of what integrations hand out, the answers are judged: exchange.services.answer_impact. What is said of names here is of
the others, such as a marketplace's resources, whose users' apps read the values by their names. What is made by other
options is told of both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Model
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from credservice.core.ago import ago
from credservice.core.names import printable
from credservice.core.time_spans import spoken
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import counted
from credservice.credentials.transitions import JITTER
from credservice.crypto import SealError
from credservice.issuers.base import UNLIMITED

MAX_COUNTED = 1000  # live credentials of a policy
MAX_LOOKED_AT = 10_000  # of these, the newest, for the last that ends
MAX_NAMED = 5
NO_MORE = "Entered values have no successor until somebody enters one."
A_RUN = timedelta(minutes=5)  # of a workflow, which goes on with the values that it was handed
SAME_TIME = timedelta(minutes=1)  # an issuer's own end is a little off


class Use(NamedTuple):
    """A product, an integration or their like, and how many there are of it that get credentials of a policy."""

    obj: Model
    number: int
    noun: str  # of what is counted, in the plural
    credentials: int = 0  # that are live, where they are counted


# Asked of a policy, counted up to MAX_COUNTED in all: what has live credentials made by it, read by their names; and
# what gets its next credentials by it.
Uses = Callable[[CredentialPolicy], Sequence[Use]]
_uses: list[Uses] = []
_served: list[Uses] = []


class Whose(NamedTuple):
    """Tells whom a change is about: who has live credentials read by their names, and who gets the next ones."""

    read_by: Uses
    served: Uses
    kept_by: str = ""  # the policy that goes on making the rotations of what is live; empty: the one that is judged


def register_uses(uses: Uses) -> None:
    """Have ``uses`` asked before the names of a policy's values change. For the doors' AppConfig.ready."""
    if uses not in _uses:
        _uses.append(uses)


def register_served(served: Uses) -> None:
    """Have ``served`` asked before a policy makes something else. For the doors' AppConfig.ready."""
    if served not in _served:
        _served.append(served)


# Where an answer still takes the old name: see docs/console.md, "Customers to another policy".
TO_RENAME = (
    "To rename a value, make a policy that makes it under both names, and choose that; then replace the values, and "
    "change the answer. The old name can go once no answer takes it."
)


class Impact(Protocol):
    """Tells what a change means to whoever gets credentials. False where nobody does."""

    def __bool__(self) -> bool: ...

    def sentences(self, sees: Callable[[Model], bool] = ...) -> list[str]: ...

    def counts(self) -> dict[str, int]: ...


@dataclass(frozen=True)
class PolicyImpact:
    """Tells what a changed policy means to those who use it. False where nothing changes, or nobody uses it."""

    change: str = ""
    uses: Sequence[Use] = ()
    counted_as: ClassVar[str]  # in the trail

    def __bool__(self) -> bool:
        return bool(self.change and self.uses)

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; what ``sees`` does not let be seen is not named."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {self.counted_as: sum(use.number for use in self.uses)}

    def whose(self) -> str:
        """Count the uses by their kinds: ``1 installation and 2 resources``."""
        totals: Counter[str] = Counter()
        for use in self.uses:
            totals[use.noun] += use.number
        return " and ".join(counted_up_to(number, number, noun) for noun, number in totals.items())

    def named(self, begin: str, sees: Callable[[Model], bool]) -> list[str]:
        """Name those that ``sees`` lets be seen, in a sentence that begins so; none where there are none."""
        listed = _listed(self.uses, sees)
        return [printable(f"{begin} {listed}.")] if listed else []


@dataclass(frozen=True)
class NamesImpact(PolicyImpact):
    """Tells what would be called otherwise, and in whose credentials. False where nobody has a live one."""

    counted_as = "resources_with_other_names"
    kept_by: str = ""  # the policy that goes on making the rotations of what is live; empty: this one

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; products that ``sees`` does not let be seen are not named."""
        resources = sum(use.number for use in self.uses)
        live = sum(use.credentials for use in self.uses)
        listed = _listed(self.uses, sees)
        of_whom = f", of {listed}" if listed else ""
        made, rotations = ("", "") if self.kept_by else (" made by it", ", and rotations of these,")
        has = "has" if resources == 1 and live < MAX_COUNTED else "have"
        return [
            printable(
                f"{counted_up_to(resources, live, 'resources')} {has} "
                f"{counted_up_to(live, live, 'live credentials')}{made}{of_whom}."
            ),
            f"Their next credentials{rotations} would have {self.change}. Their users' apps read the values by these "
            "names.",
            *([self._kept()] if self.kept_by else []),
        ]

    def _kept(self) -> str:
        told = f"Rotations of the present ones keep their names, made by the policy {_as_before(self.kept_by)}"
        return printable(told)


@dataclass(frozen=True)
class OptionsImpact(PolicyImpact):
    """Tells what would be made otherwise, for whom, and when. False where nobody gets any of it."""

    counted_as = "made_otherwise"
    until: str = ""  # what ends the present ones
    kept_by: str = ""  # as of NamesImpact

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; what ``sees`` does not let be seen is not named. Options are named, never their values."""
        whose = self.whose() if self.kept_by else f"{self.whose()} (rotations of the present ones too)"
        present = printable(f"The present ones stay as they are until {self.until}.") if self.until else ""
        if self.kept_by:
            present = printable(f"Rotations of the present ones are made by the policy {_as_before(self.kept_by)}")
        return [
            printable(f"The next credentials of {whose} are made {self.change}."),
            *self.named("They are of", sees),
            *([present] if present else []),
        ]


@dataclass(frozen=True)
class RotationImpact(PolicyImpact):
    """Tells whose live credentials are rotated by a schedule from now on. False where nobody holds the old values."""

    counted_as = "rotated_by_schedule"

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; what ``sees`` does not let be seen is not named."""
        told = [f"The live credentials of {self.whose()} {self.change}."]
        if any(use.noun == "resources" for use in self.uses):
            told.append(
                "Apps of a resource's users fail then, unless the marketplace takes the new values (*rotates*)."
            )
        if any(use.noun != "resources" for use in self.uses):
            told.append("A workflow that runs on with values that it was handed before fails then.")
        return [printable(" ".join(told)), *self.named("They are of", sees)]


@dataclass(frozen=True)
class EndImpact(PolicyImpact):
    """Tells whose next credentials would come to an end with nothing to follow them. False where nobody's would."""

    counted_as = "end_unrenewed"
    after: str = ""  # what happens then

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; what ``sees`` does not let be seen is not named."""
        return [
            printable(f"The next credentials of {self.whose()} {self.change}. {self.after}"),
            *self.named("They are of", sees),
            "The present ones keep their end.",
        ]


@dataclass(frozen=True)
class EnteredImpact(PolicyImpact):
    """Tells who has to enter other values from now on, or none. False where nobody's are or were entered."""

    counted_as = "entered_otherwise"

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; what ``sees`` does not let be seen is not named."""
        return [printable(self.change), *self.named("It is used by", sees)]


def _entered_change(before: CredentialPolicy, policy: CredentialPolicy) -> str:
    """Say what changes for whoever enters values: others, none any more, or some from now on; empty for nothing."""
    made, makes = before.backend().generates, policy.backend().generates
    old, new = before.value_names(), policy.value_names()
    if (made and makes) or (made == makes and {*old} == {*new}):
        return ""
    if makes:
        return (
            "Whatever checks the values has to know those that the issuer makes. "
            f"A backend that sends {' and '.join(old)} by the vendor API is refused."
        )
    have = "has" if len(new) == 1 else "have"
    where, sent = ("for nothing makes it", "none") if made else ("also where values are replaced", " and ".join(old))
    return (
        f"From now on, {' and '.join(new)} {have} to be entered for each customer, {where}. "
        f"A backend that sends {sent} by the vendor API is refused until it sends these."
    )


def _as_before(policy: str) -> str:
    return f"{policy} as before; where the marketplace itself replaces one, that is a new credential."


def _listed(uses: Iterable[Use], sees: Callable[[Model], bool]) -> str:
    found = list(dict.fromkeys(use.obj for use in uses if sees(use.obj)))
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return f"{', '.join(named_apart(found[:MAX_NAMED]))}{more}"


def named_apart(users: Iterable[Model]) -> list[str]:
    """Name integrations, products and their like, each with what it ``belongs_to`` where there are several of those."""
    names, several = [], {}
    for user in users:
        name = f"{user._meta.verbose_name} {user}"
        owner: Any = getattr(user, getattr(user, "belongs_to", ""), None)
        if owner is not None and type(owner) not in several:
            several[type(owner)] = len(type(owner)._default_manager.all()[:2]) > 1
        names.append(f"{name} of {owner}" if several.get(type(owner)) else name)
    return names


def counted_up_to(number: int, live: int, noun: str) -> str:
    """Write ``2 resources``; ``1,000+ resources`` where there are more ``live`` credentials than are counted."""
    if live < MAX_COUNTED:
        return counted(number, noun)
    return f"{number:,}+ {noun}"


def uses_of(policy: CredentialPolicy) -> list[Use]:
    return [use for ask in _uses for use in ask(policy)]


def served_by(policy: CredentialPolicy) -> list[Use]:
    return [use for ask in _served for use in ask(policy)]


EVERYBODY = Whose(uses_of, served_by)


def foretell_changes(
    before: CredentialPolicy, policy: CredentialPolicy, whose: Whose = EVERYBODY
) -> list[PolicyImpact]:
    """Compare what a policy makes as it is in memory with what was made before, in every way: by itself, or by another
    in whose place it is chosen."""
    try:
        found = [
            _foretell_names(before, policy, whose),
            _foretell_options(before, policy, whose),
            _foretell_end(before, policy, whose),
            _foretell_entered(before, policy, whose),
            _foretell_rotation(before, policy, whose),
        ]
    except ImproperlyConfigured:
        return []  # settings have lost an issuer: nothing is made
    return [each for each in found if each]


def _foretell_names(before: CredentialPolicy, policy: CredentialPolicy, whose: Whose) -> PolicyImpact:
    change = names_change(before.value_names(), policy.value_names())
    return NamesImpact(change, whose.read_by(policy) if change else (), whose.kept_by)


def _foretell_entered(before: CredentialPolicy, policy: CredentialPolicy, whose: Whose) -> PolicyImpact:
    change = _entered_change(before, policy)
    if not change:
        return EnteredImpact()
    uses = whose.served(policy)
    ordered = [use for use in uses if use.noun == "resources"]  # of these, nobody enters values
    told = [change] if len(ordered) < len(uses) else []
    if ordered and before.backend().generates:
        told.append("A marketplace that asks for another credential is refused: nothing makes it.")
    return EnteredImpact(" ".join(told), uses)


def _foretell_options(before: CredentialPolicy, policy: CredentialPolicy, whose: Whose) -> PolicyImpact:
    """Compare all but the names of the values."""
    change = _options_change(before, policy)
    if not change:
        return OptionsImpact()
    return OptionsImpact(change, whose.served(policy), _present_until(before, policy), whose.kept_by)


def _foretell_rotation(before: CredentialPolicy, policy: CredentialPolicy, whose: Whose) -> PolicyImpact:
    """Find whose live credentials are rotated by a schedule that was not there, or was slower or kinder.

    An exchange hands out the successor; who was handed the old values has the overlap to be done with them.
    """
    old, new = before.rotation_period, policy.rotation_period
    if policy.pk != before.pk or new is None or not policy.backend().generates:
        return RotationImpact()
    if old is not None and old <= new and before.overlap <= policy.overlap:
        return RotationImpact()
    older = f"those that are older within {spoken(new * JITTER)}"
    change = f"are rotated every {spoken(new)}, {older}, and the old values end {spoken(policy.overlap)} after that"
    customers = [use for use in whose.served(policy) if use.noun != "resources"] if policy.overlap < A_RUN else []
    return RotationImpact(change, [*whose.read_by(policy), *customers])


def _foretell_end(before: CredentialPolicy, policy: CredentialPolicy, whose: Whose) -> PolicyImpact:
    """Find whose next credentials would end unrenewed, and did not, or not so soon.

    What an exchange hands out is made anew then, where an issuer makes it.
    """
    generates = policy.backend().generates
    new = policy.ends_unrenewed_after()
    old = before.ends_unrenewed_after() if before.backend().generates == generates else None
    if new is None or (old is not None and old <= new):
        return EndImpact()
    now = f", not {spoken(old)}" if old else ""
    change = f"end {spoken(new)} after they are {'made' if generates else 'entered'}{now}"
    if generates:
        after = "Nothing makes successors before: a resource's user has to delete it and create another."
        return EndImpact(change, whose.read_by(policy), after)
    return EndImpact(change, whose.served(policy), f"{NO_MORE} Their customers get no answer until then.")


def _options_change(before: CredentialPolicy, policy: CredentialPolicy) -> str:
    """Say what is other, to go on after "made"."""
    old_backend, backend = before.backend(), policy.backend()
    if before.issuer != policy.issuer:
        if not backend.generates:
            return ""  # values that are entered are no issuer's: of those, other sentences tell
        if old_backend.generates:
            return f"by another issuer, {policy.issuer}"
        return f"by the issuer {policy.issuer}, and no longer entered"
    declared = backend.policy_options() or ()
    old, new = ({option.name: option.default for option in declared} | each.options for each in (before, policy))
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    told = [
        name
        for name in changed
        if not (_only_names(old.get(name), names_of(before)) and _only_names(new.get(name), names_of(policy)))
    ]
    if not told:
        return ""
    names = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return f"with {'other' if names.endswith('s') and len(told) == 1 else 'another'} {names}"


def _only_names(value: Any, names: Sequence[str] | None) -> bool:
    """Tell if an option's value is what its credentials' values are called: of those, other sentences tell."""
    listed = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) for each in listed) and {*listed} <= {*(names or ())}


def _present_until(before: CredentialPolicy, policy: CredentialPolicy) -> str:
    """Say when the last of what is live is replaced, by the times of each; empty where nothing is live.

    A changed period reaches the live ones, too; an expiry stays.
    """
    ends: models.F | Least = models.F("expires_at")
    if policy.pk != before.pk:
        ends = Least("rotates_at", "expires_at")
    elif policy.rotation_period is not None and policy.backend().generates:
        period = policy.rotation_period
        rotation = Greatest(models.F("activated_at") + models.Value(period), timezone.now() + period * JITTER)
        ends = Least(rotation, "expires_at")
    live = Credential.objects.filter(policy=before, state=Credential.State.ACTIVE)
    newest = live.order_by("-activated_at").annotate(ends=ends)[:MAX_LOOKED_AT]
    found = newest.aggregate(last=models.Max("ends"), endless=models.Count("pk", filter=models.Q(ends=None)))
    if endless := found["endless"]:
        number = f"{min(endless, MAX_COUNTED):,}{'+' if endless >= MAX_COUNTED else ''}"
        return f"each is rotated, {number} of them by hand"
    last = found["last"]
    return f"each is replaced, the last {ago(last)}: at {last:%Y-%m-%d %H:%M} UTC" if last else ""


def names_of(policy: CredentialPolicy) -> tuple[str, ...] | None:
    """Find the names of what it makes; None where settings have lost its issuer."""
    try:
        return policy.value_names()
    except ImproperlyConfigured:
        return None


def names_change(before: Iterable[str], after: Iterable[str]) -> str:
    """Say which names are others, to go on after "has": ``BEAR_TOKEN in place of BEAR_API_KEY``; empty for none."""
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    gone = ", ".join(name for name in old if name not in new)
    added = ", ".join(name for name in new if name not in old)
    if gone and added:
        return f"{added} in place of {gone}"
    return f"{added} besides" if added else f"no {gone} any more" if gone else ""


def successor_differences(credential: Credential, policy: CredentialPolicy) -> list[str]:
    """Say where the names of a successor's values, or its lifetime, would be others than this credential's."""
    lifetime = _lifetime_change(credential, policy)
    told = [f"has {names}" if (names := _names_change(credential, policy)) else "", lifetime]
    differences = " and ".join(part for part in told if part)
    return [f"The successor {differences}."] if differences else []


def _names_change(credential: Credential, policy: CredentialPolicy) -> str:
    """Compare with the names that the credential has: its policy may have changed since it was made."""
    after = names_of(policy)
    try:
        return names_change(credential.open(), after) if after else ""
    except SealError:
        return ""


def _lifetime_change(credential: Credential, policy: CredentialPolicy) -> str:
    now = None
    if credential.expires_at and credential.activated_at:
        now = credential.expires_at - credential.activated_at
    try:
        own = policy.backend().own_lifetime(policy.options)
    except ImproperlyConfigured:
        return ""
    then = policy.lifetime or (own if isinstance(own, timedelta) else None)
    if then is None:
        return "does not expire" if now and own == UNLIMITED else ""
    may_be_shorter = isinstance(own, str) and own != UNLIMITED  # the issuer's own end counts, where it is the earlier
    as_before = now is not None and (abs(now - then) < SAME_TIME or (may_be_shorter and now < then))
    return "" if as_before else f"expires after {spoken(then)}" + (f", not {spoken(now)}" if now else "")
