"""Foretells whether a changed signature profile may have calls refused that hold now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.core.ago import ago
from credservice.http.client_address import parse_networks
from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import signs_with
from exchange.audit import ACTION
from exchange.models import Platform

UNLESS_CHANGED = "Leave it as it is, unless the platform itself has changed how it signs."
LATELY = timedelta(days=30)
# A platform that called within a day of a change, and not within some minutes of it. A use is written within one.
_OFTEN, _SHOWN_AFTER = timedelta(days=1), timedelta(minutes=2)
# By each of these, what the platform signs, or where it writes it, is another text: none of its calls holds.
_OTHERWISE_SIGNED: Mapping[str, Callable[[Platform, Platform], bool]] = {
    "construction": lambda old, new: old.construction != new.construction,
    "timestamp_header": lambda old, new: old.timestamp_header.upper() != new.timestamp_header.upper(),
    "public_prefix": lambda old, new: old.public_prefix != new.public_prefix,
    "lower_case_method": lambda old, new: old.lower_case_method != new.lower_case_method,
}
# By these, some may not hold.
_STRICTER: Mapping[str, Callable[[Platform, Platform], bool]] = {
    "signed_path": lambda old, new: old.signed_path != new.signed_path,
    "tolerance_seconds": lambda old, new: new.tolerance_seconds < old.tolerance_seconds,
    "single_use_signatures": lambda old, new: new.single_use_signatures and not old.single_use_signatures,
}
_OF_ANY_CALL: Mapping[str, Callable[[Platform, Platform], bool]] = {
    "require_signature": lambda old, new: new.require_signature and not old.require_signature,
    "source_networks": lambda old, new: _fewer_networks(old, new),
    "ids_from_query": lambda old, new: old.ids_from_query and not new.ids_from_query,
}


@dataclass(frozen=True)
class SignatureImpact:
    """Tells which changed settings may have calls refused, when the last such call held, by which secret (None: it was
    unsigned), and when its settings were changed since, if they were, or that nobody can tell yet whether calls hold
    with them."""

    of: ClassVar = "signature profile"

    settings: tuple[str, ...]
    held_at: datetime
    secret: SigningSecret | None
    changed_at: datetime | None
    too_early: str

    def sentence(self, *, named: bool = True) -> str:
        """Say it, with the settings as the form calls them. ``named``: and by which secret."""
        signed = f"by the secret {self.secret.hint}" if self.secret and named else "by one of its secrets"
        how = signed if self.secret else "unsigned"
        names = [str(Platform._meta.get_field(name).verbose_name) for name in self.settings]  # type: ignore[union-attr]
        listed = " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
        now = "then" if self.changed_at else "now"
        refused = (
            f"signed as {now} are refused with 401" if self.is_signed_otherwise() else f"sent as {now} may be refused"
        )
        last = f"{ago(self.held_at)}, {how}"
        held = f"Its calls hold with the present settings: the last one {last}."
        if self.too_early:
            held = f"{self.too_early} The last that is known to have held came {last}."
        elif self.changed_at:
            held = f"Its last call that held came {last}: before its settings were changed {ago(self.changed_at)}."
        return f"{held} With {listed} otherwise, calls that are {refused}."

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"settings_that_calls_hold_with": len(self.settings)}

    @property
    def refused(self) -> str:
        return f"calls that are {'signed' if self.secret else 'sent'} as now"

    @property
    def advice(self) -> str:
        return UNLESS_CHANGED if self.is_signed_otherwise() else ""

    def is_signed_otherwise(self) -> bool:
        """Tell if no call that is signed as now holds then."""
        return any(name in _OTHERWISE_SIGNED for name in self.settings)


def foretell_refusals(before: Platform, after: Platform) -> SignatureImpact | None:
    """Compare the signature profiles; None where no call that holds now may be refused, or none has held lately.

    What is known to hold is the last call that did, by the profile of its time: where that was changed since, and the
    calls are refused now, the way back takes nothing away.
    """
    settings = _stricter(before, after)
    held_at, secret = _last_held(before) if settings else (None, None)
    if held_at is None or held_at < timezone.now() - LATELY:
        return None
    changed_at = changed_since_last_use(before, held_at)
    held = before.as_of(held_at) if changed_at else before
    if any(name in _OTHERWISE_SIGNED for name in _stricter(held, before)):
        return None
    settings = tuple(name for name in settings if name in _stricter(held, after))
    early = too_early_to_tell(before, held_at)
    return SignatureImpact(settings, held_at, secret, changed_at, early) if settings else None


def changed_since_last_use(platform: Platform, last_used_at: datetime) -> datetime | None:
    """Tell when the signature profile was changed that no call has held with; None where one has, or it is too early to
    tell."""
    changed_at = platform.profile_changed_at()
    is_silent = changed_at is not None and last_used_at < changed_at < timezone.now() - _SHOWN_AFTER
    return changed_at if is_silent else None


def too_early_to_tell(platform: Platform, last_used_at: datetime) -> str:
    """Say so where the signature profile was changed so lately that a call may have held with it and not show yet."""
    changed_at = platform.profile_changed_at()
    if changed_at is None or changed_at <= last_used_at or changed_at < timezone.now() - _SHOWN_AFTER:
        return ""
    minutes = _SHOWN_AFTER // timedelta(minutes=1)
    return (
        f"Its signature profile was changed {ago(changed_at)}: whether calls hold with it shows {minutes} minutes "
        "after that."
    )


def last_call_at(platform: Platform) -> datetime | None:
    """Tell by the trail when a call was last taken for the platform's; None where none was lately."""
    calls = AuditEvent.objects.filter(actor=f"platform:{platform.name}", action=ACTION)
    return calls.filter(at__gte=timezone.now() - LATELY).order_by("-pk").values_list("at", flat=True).first()


def _last_held(platform: Platform) -> tuple[datetime | None, SigningSecret | None]:
    """Tell when a call last held, and by which secret: calls of an unsigned platform are in the trail alone."""
    secret = signs_with(platform.secrets)
    signed_at = secret.last_used_at if secret else None
    unsigned_at = None if platform.require_signature else last_call_at(platform)
    if unsigned_at is not None and (signed_at is None or unsigned_at > signed_at):
        return unsigned_at, None
    return signed_at, secret


def none_held_since(platform: Platform) -> datetime | None:
    """Tell when the signature profile of a platform was changed that called till then; None where a call has held
    since, or it is too early to tell."""
    secret = signs_with(platform.secrets)
    if secret is None or secret.last_used_at is None:
        return None
    changed_at = changed_since_last_use(platform, secret.last_used_at)
    return changed_at if changed_at and changed_at - _OFTEN < secret.last_used_at else None


def _stricter(before: Platform, after: Platform) -> tuple[str, ...]:
    """List the settings by which calls that held before may not afterwards."""
    rules = dict(_OF_ANY_CALL)
    if before.require_signature and after.require_signature:  # nobody reads the others of what is unsigned
        rules = {**_OTHERWISE_SIGNED, **_STRICTER, **rules}
    return tuple(name for name, is_stricter in rules.items() if is_stricter(before, after))


def _fewer_networks(before: Platform, after: Platform) -> bool:
    """Tell if a source that may call now may not then. A signed platform without networks may call from anywhere."""
    if not after.source_networks:
        return False
    kept = parse_networks(tuple(after.source_networks))
    old = parse_networks(tuple(before.source_networks))
    return not old or any(
        not any(each.version == other.version and each.subnet_of(other) for other in kept)  # type: ignore[arg-type]
        for each in old
    )
