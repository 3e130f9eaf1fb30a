"""Foretells what a rotation would touch, before it is begun."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from credservice.core.time_spans import spoken
from credservice.credentials.models import FAILS_AFTER, Credential, CredentialPolicy, stuck
from credservice.credentials.shared_values import told_leaking
from credservice.credentials.transitions import no_time

REVOKE_INSTEAD = "Revoke ends it at once, without a successor."
# Who is handed lines of credentials is the doors' knowledge: each tells how many, under the name of what it counts.
Reach = Callable[[Collection[UUID]], dict[str, int]]
_reaches: list[Reach] = []


def register_reach(reach: Reach) -> None:
    """Have ``reach`` asked, for lines of credentials, how many of what get one. For the doors' AppConfig.ready."""
    if reach not in _reaches:
        _reaches.append(reach)


def reach_of(credentials: Iterable[Credential]) -> dict[str, int]:
    """Count what is answered with one of these credentials now, each once."""
    chosen = {credential.pk: credential.line for credential in credentials}
    lines = {line for line, handed_out in _handed_out(set(chosen.values())).items() if handed_out in chosen}
    return {name: count for ask in _reaches for name, count in ask(lines).items()}


def _handed_out(lines: Collection[UUID]) -> dict[UUID, UUID]:
    """Find which credential each line hands out now: as the doors choose, the active one before a retiring one."""
    usable = Credential.objects.usable().filter(line__in=lines)
    newest = usable.order_by("line", "state", "-created_at").distinct("line")
    return dict(newest.values_list("line", "pk"))


def told_reach(reach: Mapping[str, int], *, of: str = "It is") -> str:
    """Say whom credentials are handed to; ``of`` begins the sentence."""
    touched = ", ".join(counted(count, name) for name, count in reach.items() if count)
    return f"{of} handed to {touched}." if touched else "No installation or marketplace credential is handed it now."


@dataclass(frozen=True)
class RotationPreview:
    """The effects of a rotation, and how many they reach."""

    reach: dict[str, int]
    overlap: timedelta
    ends_first: bool  # only one may live: there is a gap
    pending: bool  # a rotation is under way already
    state: str = Credential.State.ACTIVE
    waits: bool = False  # the issuer is outside: the successor may be long in coming
    failing: str = ""  # the issuer of the successor, where that fails now
    expires_in: timedelta | None = None
    leaked: bool = False  # is what the rotation is for
    leaking: tuple[str, ...] = ()  # what leaks with it: sentences

    def sentences(self) -> list[str]:
        if self.state != Credential.State.ACTIVE:
            return [f"Only an active credential can be rotated; this one is {self.state}."]
        lines = [told_reach(self.reach)]
        if self.ends_first:
            lines.append("Only one may live: it ends before its successor is made, and there is a gap between the two.")
        elif self.overlap <= timedelta(0):
            until = "; until then it is handed out" if self.waits else ""
            lines.append(f"It ends as soon as its successor is there, without overlap{until}.")
        elif self.expires_in is not None and self.expires_in <= self.overlap:
            lines.append(f"It stays valid until it expires, in {spoken(max(self.expires_in, timedelta(0)))}.")
        else:
            lines.append(f"It stays valid for {spoken(self.overlap)} after its successor is there.")
        if self.failing and self.ends_first:
            lines.append(f"The issuer {self.failing} fails right now: the gap lasts until it works again.")
        elif self.failing:
            lines.append(
                f"The issuer {self.failing} fails right now: until it works again there is no successor, and this one "
                f"is handed out. {REVOKE_INSTEAD}"
            )
        if self.pending:
            lines.append("A rotation is pending already.")
        return [*lines, *(self.leaking if self.leaked else ())]


def counted(count: int, name: str) -> str:
    """Write a number with its noun, such as ``1 installation``; ``name`` is a plural in s."""
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def preview_rotation(
    credential: Credential, overlap: timedelta | None = None, policy: CredentialPolicy | None = None
) -> RotationPreview:
    """Foretell what :func:`credservice.credentials.services.rotate` with these would do. Changes nothing."""
    policy = policy or credential.policy
    return RotationPreview(
        reach=reach_of([credential]),
        overlap=policy.overlap if overlap is None else overlap,
        ends_first=ends_first(credential),
        pending=credential.waits_for_successor(),
        state=credential.state,
        waits=not policy.backend().local,
        failing=next(iter(failing_issuers([policy.issuer])), ""),
        expires_in=credential.expires_at - timezone.now() if credential.expires_at else None,
        leaked=no_time(overlap),
        leaking=tuple(told_leaking(credential)),
    )


def failing_issuers(issuers: Iterable[str]) -> list[str]:
    """Find those of these issuers that keep failing now, by what waits for them."""
    failing = Credential.objects.filter(stuck(FAILS_AFTER), policy__issuer__in=set(issuers))
    return list(failing.order_by("policy__issuer").values_list("policy__issuer", flat=True).distinct())


def ends_first(credential: Credential) -> bool:
    """Tell if the predecessor must be gone before a successor can be made."""
    policy = credential.policy
    return not policy.backend().local and not (policy.multiple and policy.backend().overlaps)
