"""Foretells what of a successor is otherwise than of its predecessor, and whose a changed policy would make so.

Of what integrations hand out, the answers are judged: exchange.services.answer_impact. What is said here is of the
others, such as a marketplace's resources, whose users' apps read the values by their names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

from credservice.core.names import printable
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import counted, spoken
from credservice.crypto import SealError
from credservice.issuers.base import UNLIMITED

MAX_COUNTED = 1000  # live credentials of a policy
MAX_NAMED = 5
SAME_TIME = timedelta(minutes=1)  # an issuer's own end is a little off


class Use(NamedTuple):
    """A product, or its like, with how many live credentials it has of a policy, and of how many ``resources``."""

    obj: Model
    credentials: int
    resources: int


# Asked of a policy: what has live credentials made by it, counted up to MAX_COUNTED in all.
Uses = Callable[[CredentialPolicy], Sequence[Use]]
_uses: list[Uses] = []


def register_uses(uses: Uses) -> None:
    """Have ``uses`` asked before the names of a policy's values change. For the doors' AppConfig.ready."""
    if uses not in _uses:
        _uses.append(uses)


@dataclass(frozen=True)
class NamesImpact:
    """Tells what would be called otherwise, and in whose credentials. False where nobody has a live one."""

    change: str = ""
    uses: Sequence[Use] = ()
    stays: bool = True  # the policy of what is live: its rotations follow

    def __bool__(self) -> bool:
        return bool(self.change and self.uses)

    def sentences(self, sees: Callable[[Model], bool] = lambda obj: True) -> list[str]:
        """Say it; products that ``sees`` does not let be seen are not named."""
        resources = sum(use.resources for use in self.uses)
        live = sum(use.credentials for use in self.uses)
        names = [f"{use.obj._meta.verbose_name} {use.obj}" for use in self.uses if sees(use.obj)]
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        of_whom = f", of {', '.join(names[:MAX_NAMED])}{more}" if names else ""
        made, rotations = (" made by it", ", and rotations of these,") if self.stays else ("", "")
        has = "has" if resources == 1 and live < MAX_COUNTED else "have"
        return [
            printable(
                f"{counted_up_to(resources, live, 'resources')} {has} "
                f"{counted_up_to(live, live, 'live credentials')}{made}{of_whom}."
            ),
            f"Their next credentials{rotations} would have {self.change}. Their users' apps read the values by these "
            "names.",
        ]

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"resources_with_other_names": sum(use.resources for use in self.uses)}


def counted_up_to(number: int, live: int, noun: str) -> str:
    """Write ``2 resources``; ``1,000+ resources`` where there are more ``live`` credentials than are counted."""
    if live < MAX_COUNTED:
        return counted(number, noun)
    return f"{number:,}+ {noun}"


def uses_of(policy: CredentialPolicy) -> list[Use]:
    return [use for ask in _uses for use in ask(policy)]


def foretell_names(before: Sequence[str] | None, policy: CredentialPolicy) -> NamesImpact:
    """Compare the names of before (see :func:`names_of`) with those of the policy as it is in memory."""
    after = names_of(policy)
    if before is None or after is None:
        return NamesImpact()  # settings have lost its issuer: nothing is made
    change = names_change(before, after)
    return NamesImpact(change, uses_of(policy)) if change else NamesImpact()


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
