"""Tells how far a partner has come with a new signing secret: by which of its secrets last verified a call."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from credservice.core.last_used import LastUses
from credservice.keys.models import SigningSecret, SigningSecretSet

# Noted off the request's path, in each process's memory, and written twice a minute; a first use at once, since whoever
# has set how a partner signs is warned by it.
last_uses = LastUses("keys_signingsecret", few=True)
# Some of a partner's processes may still have the old secret while others sign with the new one: it has to be quiet for
# longer than they take to start anew, and far longer than a last use takes to be written.
QUIET = timedelta(hours=1)


class Stage(StrEnum):
    UNUSED = "The partner does not use the new secret yet (a call shows within a minute)."
    BOTH = "The partner uses the new secret, and perhaps the one before as well: that is not quiet for an hour yet."
    CHANGED = "The partner uses the new secret, and the one before has verified no call for an hour or more."


@dataclass(frozen=True)
class Progress:
    """A rotation under way: the current secret, the one before it that was used last, and who uses which."""

    current: SigningSecret
    previous: SigningSecret
    stage: Stage


def progress_of(secret_set: SigningSecretSet) -> Progress | None:
    """Find the rotation that is under way; None where there is none, or where we sign and nothing is verified."""
    if secret_set.is_ours:
        return None
    live = list(secret_set.live())
    current = _current(live)
    older = [secret for secret in live if secret.state == SigningSecret.State.PREVIOUS]
    previous = max(older, key=_last_use, default=None)
    if current is None or previous is None:
        return None
    return Progress(current, previous, _stage(current, previous))


def signs_with(secret_set: SigningSecretSet) -> SigningSecret | None:
    """Find the secret that last verified a call of the partner's; None where none of those that are good has."""
    if secret_set.is_ours:
        return None
    used = [secret for secret in secret_set.live() if secret.last_used_at is not None]
    return max(used, key=_last_use, default=None)


def stage_at_end(secret: SigningSecret) -> Stage | None:
    """Tell how far the partner is, before its previous ``secret`` is ended; None where its end hits nobody."""
    if secret.secret_set.is_ours or secret.state != SigningSecret.State.PREVIOUS:
        return None
    live = list(secret.secret_set.live())
    current = _current(live)
    return _stage(current, secret) if current is not None and secret in live else None


def _current(live: Iterable[SigningSecret]) -> SigningSecret | None:
    return next((secret for secret in live if secret.state == SigningSecret.State.CURRENT), None)


def _last_use(secret: SigningSecret) -> datetime:
    return secret.last_used_at or datetime.min.replace(tzinfo=UTC)


def _stage(current: SigningSecret, previous: SigningSecret) -> Stage:
    if current.last_used_at is None:
        return Stage.UNUSED
    since = max(previous.last_used_at or current.created_at, current.created_at)
    return Stage.CHANGED if timezone.now() - since >= QUIET else Stage.BOTH
