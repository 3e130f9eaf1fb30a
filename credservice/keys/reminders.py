"""Which signing keys and secrets a person should see to, before their end is noticed by a partner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from credservice.audit import record
from credservice.keys.models import SigningKey, SigningSecret

SOON = timedelta(days=14)


@dataclass(frozen=True)
class Reminder:
    """One key or secret, and what is to be done about it."""

    kind: str
    key_id: str
    sentence: str

    def record(self, *, actor: str) -> None:
        record(
            action=f"{self.kind}.reminded",
            actor=actor,
            object_type=self.kind,
            object_id=self.key_id,
            detail={"why": self.sentence},
        )


def reminders() -> Iterator[Reminder]:
    """Previous secrets that end within two weeks, and current keys that have signed for half a year."""
    now = timezone.now()
    ending = SigningSecret.objects.filter(state=SigningSecret.State.PREVIOUS, ends_at__gt=now, ends_at__lte=now + SOON)
    for secret in ending.select_related("secret_set").order_by("ends_at"):
        sentence = f"The previous secret of {secret.secret_set} verifies until {secret.ends_at:%Y-%m-%d %H:%M} UTC."
        yield Reminder("signing_secret", str(secret.pk), f"{sentence} Is the partner using the current one?")
    for key in SigningKey.objects.to_rotate():
        yield Reminder(
            "signing_key", str(key.pk), f"The {key.algorithm} key has signed for half a year: make a new one."
        )
