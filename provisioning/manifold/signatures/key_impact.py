"""Foretells whether requests are refused that are accepted now, where a key of a marketplace is withdrawn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Max, QuerySet
from django.utils import timezone

from credservice.core.ago import ago
from provisioning.models import LiveKey, TrustedKey

LATELY = timedelta(hours=24)  # ago for a use, and ahead for an end


@dataclass(frozen=True)
class KeyImpact:
    """Tells when a request was last accepted by a key, and when that ends; without ``ends_at``, now."""

    last_used_at: datetime
    ends_at: datetime | None = None

    def sentence(self) -> str:
        """Say it."""
        last = f"{ago(self.last_used_at)}, at {self.last_used_at:%Y-%m-%d %H:%M} UTC"
        then = f"from {self.ends_at:%Y-%m-%d %H:%M} UTC on" if self.ends_at else "from now on"
        return f"A request was last accepted by it {last}. Such requests fail {then}."

    def counts(self) -> dict[str, int]:
        """Count for the trail."""
        return {"keys_of_accepted_requests": 1}

    def is_live(self) -> bool:
        """Tell if its marketplace is likely to send more of them."""
        return self.last_used_at >= timezone.now() - LATELY


def foretell_withdrawal(live_keys: QuerySet[LiveKey]) -> KeyImpact | None:
    """Tell what would end with these now; None where no request was accepted by one."""
    last = live_keys.aggregate(last=Max("last_used_at"))["last"]
    return KeyImpact(last) if last else None


def foretell_end(before: TrustedKey, after: TrustedKey) -> KeyImpact | None:
    """Compare a master key with what it is to be; None where it ends no sooner, or not within a day, or no request was
    accepted by it lately. A denied live key is refused already."""
    now = timezone.now()
    old, new = _end_of(before), _end_of(after) if after.public_key == before.public_key else now
    if old <= now or new >= min(old, now + LATELY):
        return None
    impact = foretell_withdrawal(before.live_keys.filter(is_denied=False))
    if impact is None or not impact.is_live():
        return None
    return KeyImpact(impact.last_used_at, new if new > now else None)


def _end_of(key: TrustedKey) -> datetime:
    never = datetime.max.replace(tzinfo=UTC)
    return (key.ends_at or never) if key.is_enabled else datetime.min.replace(tzinfo=UTC)
