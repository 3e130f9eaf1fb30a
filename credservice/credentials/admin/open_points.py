"""Counts, for the overview, what a person should see to of credentials: leaked, left outside, failing."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from credservice.adminkit.menu import MAX_COUNTED, Need, counted
from credservice.core.ago import ago
from credservice.credentials.admin.filters import (
    ENDING,
    ENDS_SOON,
    EXPIRED_LAST,
    FAILED_LATELY,
    FORCED,
    HAS_LEAKED,
    LEAKED_FORCED,
    LEAKED_LIVE,
    SUCCESSOR_COMES,
    Outside,
    State,
    retiring_last,
)
from credservice.credentials.admin.related import left_outside
from credservice.credentials.hooks import wanted
from credservice.credentials.models import FAILS_AFTER, STUCK_AFTER, Credential, CredentialPolicy, stuck
from credservice.issuers import get_issuer, issuer_choices

MAX_LINES = 1000  # that are looked at for those that something hands out: grants of others may be gone
IS_STUCK = Q(attempts__gte=STUCK_AFTER)


def _bounded(condition: Q) -> int:
    return Credential.objects.filter(condition)[:MAX_COUNTED].count()


class OpenPoint(NamedTuple):
    """Names what a person should see to: which credentials, how to say how many, and the group of ``StateFilter``."""

    condition: Q
    told: Callable[[int], str]
    group: str
    urgent: bool = True
    is_stuck: bool = False

    @property
    def filters(self) -> dict[str, str]:
        return ({"stuck": "yes"} if self.is_stuck else {}) | {"state__exact": slugify(self.group)}


def _still_handed_out(number: int) -> str:
    are, wait = ("is", "its successor waits") if number == 1 else ("are", "their successors wait")
    return f"{counted(number, 'leaked credential')} {are} still handed out: {wait} for the issuer"


def _without_successor(number: int) -> str:
    are, them = ("is", "it") if number == 1 else ("are", "them")
    told = f"{counted(number, 'leaked credential')} {are} still handed out, without a successor to come"
    return f"{told}: rotate {them} as leaked, or revoke {them}"


def _not_ended(number: int) -> str:
    works, them = ("still works", "it") if number == 1 else ("still work", "them")
    return f"{counted(number, 'leaked credential')} {works} in your product: the issuer fails to end {them}"


def _left(condition: Q, noun: str, group: str, *, urgent: bool) -> OpenPoint:
    return OpenPoint(condition, lambda number: left_outside(number, noun), group, urgent)


def _stuck(noun: str) -> Callable[[int], str]:
    return lambda number: f"{counted(number, noun)} stuck: the issuer keeps failing"


OPEN_POINTS = (
    OpenPoint(LEAKED_LIVE & SUCCESSOR_COMES, _still_handed_out, "leaked, still handed out"),
    OpenPoint(LEAKED_LIVE & ~SUCCESSOR_COMES, _without_successor, "leaked, without a successor"),
    _left(Q(outside=Outside.LEAKED), "leaked credential", "leaked, may still work", urgent=True),
    _left(LEAKED_FORCED, "leaked, force-ended credential", "leaked, force-ended", urgent=True),
    _left(Q(outside=Outside.OPEN), "ended credential", "ended, may still work", urgent=False),
    _left(FORCED, "force-ended credential", "force-ended", urgent=False),
    # From the first attempt in vain: it works until one holds.
    OpenPoint(ENDING & HAS_LEAKED & Q(attempts__gte=1), _not_ended, "leaked, being ended"),
    OpenPoint(ENDING & ~HAS_LEAKED & IS_STUCK, _stuck("revocation"), "being ended, not leaked", is_stuck=True),
    OpenPoint(Q(state=State.PENDING) & IS_STUCK, _stuck("issue"), "pending", is_stuck=True),
    OpenPoint(
        FAILED_LATELY,
        lambda number: f"{counted(number, 'credential')} failed to be made since yesterday",
        "failed since yesterday",
        urgent=False,
    ),
)


def needs_of_operator() -> list[Need]:
    """List what an operator should see to."""
    counts = [(point, _bounded(point.condition)) for point in OPEN_POINTS]
    needs = (Need(point.told(number), point.filters, point.urgent) for point, number in counts if number)
    return [*_failing_issuers(), *needs, *_retiring_last(), *_entered_at_their_end()]


def _retiring_last() -> Iterator[Need]:
    """Tell of what is handed out in place of a successor that has ended, and will soon end itself."""
    ends = {line: at for line, at in retiring_last().values_list("line", "retires_at")[:MAX_LINES] if at}
    lines = wanted(ends)
    if not lines:
        return
    number, first = min(len(lines), MAX_COUNTED), ago(min(ends[line] for line in lines))
    told = (
        f"is handed out until it ends, {first}, and has no successor: replace its values, or rotate it"
        if number == 1
        else f"are handed out until they end, the first {first}, and have no successors: replace their values, or "
        "rotate them"
    )
    lists = {"state__exact": slugify("handed out until it ends, without a successor")}
    yield Need(f"{counted(number, 'retiring credential')} {told}", lists)


def _entered_at_their_end() -> Iterator[Need]:
    """Tell, by policy, of entered values that have ended or soon will: only somebody can make others."""
    entered = [alias for alias, _ in issuer_choices() if not get_issuer(alias).generates]
    for policy in CredentialPolicy.objects.filter(issuer__in=entered, lifetime__isnull=False):
        own = Q(policy=policy)
        lists = {"policy__id__exact": str(policy.pk)}
        newest = Credential.objects.filter(own & EXPIRED_LAST).order_by("-ended_at")
        if ended := min(len(wanted(newest.values_list("line", flat=True)[:MAX_LINES])), MAX_COUNTED):
            told = f"{counted(ended, 'entered credential')} of {policy} expired, and nothing follows: enter new values"
            yield Need(told, lists | {"state__exact": slugify("expired lately, without a successor")}, urgent=True)
        if soon := _bounded(own & ENDS_SOON):
            ends = "ends" if soon == 1 else "end"
            told = f"{counted(soon, 'entered credential')} of {policy} {ends} soon: enter new values before"
            yield Need(told, lists | {"state__exact": "ends-soon"})


def _failing_issuers() -> list[Need]:
    """Tell which issuers are down, by what waits for each: see :func:`stuck`, sooner."""
    failing = Credential.objects.filter(stuck(FAILS_AFTER)).order_by()
    rows = list(failing.values_list("policy__issuer", "failure")[:MAX_COUNTED])
    waiting = Counter(issuer for issuer, _ in rows)
    why = dict(rows)  # the same outage has the same reason, mostly: one of them is told
    told = {issuer: f"{counted(number, 'credential')} waiting for it" for issuer, number in waiting.items()}
    return [
        Need(f"The issuer {name} fails, {told[name]}: {why[name]}", {"stuck": "failing", "issuer": name}, urgent=True)
        for name in sorted(told)
    ]


def under_way() -> list[Need]:
    """List what waits for the worker."""
    making = _bounded(Q(state=State.PENDING))
    ending = _bounded(Q(state=State.RETIRING, retires_at__lte=timezone.now()))
    lines = (
        (making, Need(f"{counted(making, 'credential')} being created", {"state__exact": "pending"})),
        (ending, Need(f"{counted(ending, 'credential')} being ended", {"state__exact": "being-ended"})),
    )
    return [need for number, need in lines if number]
