"""Foretells what a rotation would touch, before it is begun."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from credservice.credentials.models import Credential

# Who is handed a line of credentials is the doors' knowledge: each tells how many, under the name of what it counts.
Reach = Callable[[UUID], dict[str, int]]
_reaches: list[Reach] = []


def register_reach(reach: Reach) -> None:
    """Have ``reach`` asked, for a line of credentials, how many of what get it. For the doors' AppConfig.ready."""
    if reach not in _reaches:
        _reaches.append(reach)


@dataclass(frozen=True)
class RotationPreview:
    """The effects of a rotation, and how many they reach."""

    reach: dict[str, int]
    overlap: timedelta
    ends_first: bool  # only one may live: there is a gap
    pending: bool  # a rotation is under way already
    state: str = Credential.State.ACTIVE

    def sentences(self) -> list[str]:
        if self.state != Credential.State.ACTIVE:
            return [f"Only an active credential can be rotated; this one is {self.state}."]
        touched = ", ".join(counted(count, name) for name, count in self.reach.items() if count)
        lines = [f"It is handed to {touched}." if touched else "No installation or marketplace credential uses it."]
        if self.ends_first:
            lines.append("Only one may live: it ends before its successor is made, and there is a gap between the two.")
        elif self.overlap <= timedelta(0):
            lines.append("It ends as soon as its successor is there, without overlap.")
        else:
            lines.append(f"It stays valid for {spoken(self.overlap)} after its successor is there.")
        if self.pending:
            lines.append("A rotation is pending already.")
        return lines


def counted(count: int, name: str) -> str:
    """Write a number with its noun, such as ``1 installation``; ``name`` is a plural in s."""
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def spoken(time: timedelta) -> str:
    """Write a time such as "1 day 2 hours"; fractions of a second are left out."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
    return " ".join(counted(count, name) for name, count in parts.items() if count) or "less than a second"


def preview_rotation(credential: Credential, overlap: timedelta | None = None) -> RotationPreview:
    """Foretell what :func:`credservice.credentials.services.rotate` with this overlap would do. Changes nothing."""
    reach: dict[str, int] = {}
    for ask in _reaches:
        reach |= ask(credential.line)
    pending = credential.successors.filter(state=Credential.State.PENDING).exists()
    overlap = credential.policy.overlap if overlap is None else overlap
    return RotationPreview(reach, overlap, ends_first(credential), pending, credential.state)


def ends_first(credential: Credential) -> bool:
    """Tell if the predecessor must be gone before a successor can be made."""
    policy = credential.policy
    return not policy.backend().local and not (policy.multiple and policy.backend().overlaps)
