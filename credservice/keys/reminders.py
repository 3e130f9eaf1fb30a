"""Finds the signing keys and secrets that a person should see to, before a partner notices their end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from credservice.audit import Line, record
from credservice.keys.models import SigningKey, SigningSecret, SigningSecretSet
from credservice.keys.rotation_progress import stage_at_end

SOON = timedelta(days=14)


@dataclass(frozen=True)
class Reminder:
    """One key or secret, and what is to be done about it."""

    kind: str
    key_id: str
    sentence: str
    secret_set: SigningSecretSet | None = None  # of a secret

    def record(self, *, actor: str) -> None:
        detail = {"why": self.sentence}
        record(Line(f"{self.kind}.reminded", actor, object_type=self.kind, object_id=self.key_id, detail=detail))


def reminders() -> Iterator[Reminder]:
    """Find previous secrets that end within two weeks, and current keys that have signed for half a year."""
    now = timezone.now()
    ending = SigningSecret.objects.filter(state=SigningSecret.State.PREVIOUS, ends_at__gt=now, ends_at__lte=now + SOON)
    for secret in ending.select_related("secret_set").order_by("ends_at"):
        sentence = f"The previous secret of {secret.secret_set} verifies until {secret.ends_at:%Y-%m-%d %H:%M} UTC."
        sentence = f"{sentence} {stage_at_end(secret) or ''}".strip()
        yield Reminder("signing_secret", str(secret.pk), sentence, secret.secret_set)
    for key in SigningKey.objects.to_rotate():
        yield Reminder(
            "signing_key", str(key.pk), f"The {key.algorithm} key has signed for half a year: make a new one."
        )
