"""Foretells what a rotation or a revocation would touch, before it is begun."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from credservice.core.time_spans import spoken
from credservice.credentials.models import FAILS_AFTER, Credential, CredentialPolicy, CredentialQuerySet, stuck
from credservice.credentials.shared_values import told_leaking
from credservice.credentials.transitions import no_time

REVOKE_INSTEAD = "Revoke ends it at once, without a successor."
# Who is handed lines of credentials is the doors' knowledge: each tells how many, under the name of what it counts.
Reach = Callable[[Collection[UUID]], dict[str, int]]
_reaches: list[Reach] = []


class Unanswered(NamedTuple):
    """Counts what would get no answer any more, with what its credentials lack, such as ``value apiKey``."""

    number: int
    lacks: Collection[str] = ()

    def sentence(self, subject: str) -> str:
        """Say it of the credentials that ``subject`` names with its verb, such as "It has"; of none, nothing."""
        if not self.number:
            return ""
        why = f"{subject} no {' and no '.join(sorted(self.lacks))}: " if self.lacks else ""
        return f"{why}{counted(self.number, 'installations')} would get no answer."


# Asked what would end were each of these lines to hand out this credential, and not the one that it does now.
Fillable = Callable[[Mapping[UUID, Credential]], Unanswered]
_fillable: list[Fillable] = []


def register_fillable(fillable: Fillable) -> None:
    """Have ``fillable`` asked what would get no answer with other credentials. For the doors' AppConfig.ready."""
    if fillable not in _fillable:
        _fillable.append(fillable)


def unanswered_with(others: Mapping[UUID, Credential]) -> Unanswered:
    """Count what would get no answer any more, were these handed out by their lines."""
    found = [ask(others) for ask in _fillable]
    return Unanswered(sum(each.number for each in found), {lack for each in found for lack in each.lacks})


def register_reach(reach: Reach) -> None:
    """Have ``reach`` asked, for lines of credentials, how many of what get one. For the doors' AppConfig.ready."""
    if reach not in _reaches:
        _reaches.append(reach)


def reach_of(credentials: Iterable[Credential]) -> dict[str, int]:
    """Count what is answered with one of these credentials now, each once."""
    lines = _handing_out(credentials)
    return {name: count for ask in _reaches for name, count in ask(lines).items()}


def handed_out_after(credentials: Collection[Credential]) -> dict[UUID, Credential]:
    """Find what lines that hand out one of these hand out once these have ended: one that retires."""
    left = Credential.objects.exclude(pk__in=[credential.pk for credential in credentials])
    return {each.line: each for each in _handed_out(left, _handing_out(credentials)).select_related("policy")}


def _handing_out(credentials: Iterable[Credential]) -> set[UUID]:
    """Choose the lines that hand out one of these now."""
    chosen = {credential.pk: credential.line for credential in credentials}
    handed_out = _handed_out(Credential.objects.all(), set(chosen.values())).values_list("line", "pk")
    return {line for line, pk in handed_out if pk in chosen}


def _handed_out(among: CredentialQuerySet, lines: Collection[UUID]) -> CredentialQuerySet:
    """Find which of these each line hands out: as the doors choose, the active one before a retiring one."""
    usable = among.usable().filter(line__in=lines)
    return usable.order_by("line", "state", "-created_at").distinct("line")


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
    refusal: str = ""
    retires_at: datetime | None = None  # it ends then, whatever follows it
    waits: bool = False  # the issuer is outside: the successor may be long in coming
    failing: str = ""  # the issuer of the successor, where that fails now
    expires_in: timedelta | None = None
    leaked: bool = False  # is what the rotation is for
    leaking: tuple[str, ...] = ()  # what leaks with it: sentences

    def sentences(self) -> list[str]:
        if self.refusal:
            return [self.refusal]
        lines = [told_reach(self.reach)]
        has_gap = self.ends_first
        if self.ends_first:
            lines.append("Only one may live: it ends before its successor is made, and there is a gap between the two.")
        elif self.retires_at and self.leaked:
            has_gap = self.waits
            gap = ", before its successor is made: there is a gap between the two" if self.waits else ""
            lines.append(f"It ends at once{gap}.")
        elif self.retires_at:
            lines.append(f"It is retiring, and stays valid until {self.retires_at:%Y-%m-%d %H:%M} UTC, as before.")
        elif self.overlap <= timedelta(0):
            until = "; until then it is handed out" if self.waits else ""
            lines.append(f"It ends as soon as its successor is there, without overlap{until}.")
        elif self.expires_in is not None and self.expires_in <= self.overlap:
            lines.append(f"It stays valid until it expires, in {spoken(max(self.expires_in, timedelta(0)))}.")
        else:
            lines.append(f"It stays valid for {spoken(self.overlap)} after its successor is there.")
        if self.failing and has_gap:
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
    kept = policy.overlap if overlap is None else overlap
    return RotationPreview(
        reach=reach_of([credential]),
        overlap=timedelta(0) if credential.ends_when_followed() else kept,
        ends_first=ends_first(credential, policy),
        pending=credential.waits_for_successor(),
        refusal=refusal_of_rotation(credential),
        retires_at=credential.retires_at,
        waits=not policy.backend().local,
        failing=next(iter(failing_issuers([policy.issuer])), ""),
        expires_in=credential.expires_at - timezone.now() if credential.expires_at else None,
        leaked=no_time(overlap),
        leaking=tuple(told_leaking(credential)),
    )


def refusal_of_rotation(credential: Credential) -> str:
    """Say why a credential takes no successor; nothing where it does."""
    if credential.takes_successor():
        return ""
    leaks = credential.is_usable() and credential.leaked_at is None
    more = " If it has leaked, revoke it, and say that." if leaks else ""
    return f"Only an active credential can be rotated; this one is {credential.state}.{more}"


def failing_issuers(issuers: Iterable[str]) -> list[str]:
    """Find those of these issuers that keep failing now, by what waits for them."""
    failing = Credential.objects.filter(stuck(FAILS_AFTER), policy__issuer__in=set(issuers))
    return list(failing.order_by("policy__issuer").values_list("policy__issuer", flat=True).distinct())


def ends_first(credential: Credential, policy: CredentialPolicy) -> bool:
    """Tell if the predecessor must be gone before a successor can be made by ``policy``: where either lets only one
    live of what the issuer of both makes. Of another issuer's it is not known: to end it first, whose successor may be
    refused, would leave nothing."""
    own = credential.policy
    return policy.issuer == own.issuer and (_only_one_lives(own) or _only_one_lives(policy))


def _only_one_lives(policy: CredentialPolicy) -> bool:
    return not policy.backend().local and not (policy.multiple and policy.backend().overlaps)
