"""The console's first page. Nothing on it is counted over a large table while somebody waits: sums by the hour
(credservice.statistics), the first few rows of an index, and counts that stop at a hundred."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil

from credservice.console import menu
from credservice.console.beginning import is_new, openings
from credservice.console.labels import label
from credservice.console.links import page_of
from credservice.console.plots import Series, lines, stacked
from credservice.console.related import may_view
from credservice.credentials.models import Credential
from credservice.statistics.reading import Traffic, credential_states, traffic

PERIODS = {"24h": (24, "24 hours"), "7d": (7 * 24, "7 days")}
NEXT = 5  # rows of what comes next
REASONS = 5  # by colour; the rest is one
OTHERS, REST_COLOUR = "other reasons", 6


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's ``DASHBOARD_CALLBACK``."""
    groups = menu.groups(request)
    if not groups:
        return context | {"groups": groups}
    found: dict[str, Any] = {"groups": groups, "needed": menu.needed(request), "under_way": menu.under_way(request)}
    if is_new(request):
        found["openings"] = openings(request)
    if may_view(request, Credential):
        found |= {"states": _states(), "coming": _coming()}
    return context | found | _plots(request)


def _plots(request: HttpRequest) -> dict[str, Any]:
    asked = request.GET.get("period", "")
    period = asked if asked in PERIODS else "24h"
    hours, words = PERIODS[period]
    found = traffic(hours)
    names = [_name(hour, hours) for hour in found.hours]
    return {
        "is_quiet": not sum(found.granted) and not found.refused,
        "period": words,
        "periods": [
            {"link": f"?period={key}", "words": text, "chosen": key == period} for key, (_, text) in PERIODS.items()
        ],
        "totals": _totals(found),
        "plots": [_outcomes(found, names), _reasons(found, names), _latency(found, names)],
    }


def _name(hour: datetime, hours: int) -> str:
    return hour.astimezone(UTC).strftime("%H:%M" if hours <= 24 else "%a %d %b, %H:%M")


def _totals(found: Traffic) -> list[tuple[str, str]]:
    granted, refused = sum(found.granted), sum(map(sum, found.refused.values()))
    share = _percent(refused / (granted + refused)) if refused else "none"
    return [("Granted", f"{granted:,}"), ("Refused", f"{refused:,}"), ("Refused, share of all calls", share)]


def _percent(share: float) -> str:
    """Two digits, never in powers of ten."""
    if share < 0.0001:
        return "under 0.01 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _outcomes(found: Traffic, names: list[str]) -> SafeString:
    refused = _added(found.refused.values(), len(names))
    return stacked(names, [Series("granted", found.granted, 0), Series("refused", refused, 1)], "Exchanges per hour")


def _reasons(found: Traffic, names: list[str]) -> SafeString:
    by_reason = list(found.refused.items())
    series = [Series(words(reason), counts, n + 1) for n, (reason, counts) in enumerate(by_reason[:REASONS])]
    if len(by_reason) > REASONS:
        rest = _added([counts for _, counts in by_reason[REASONS:]], len(names))
        series.append(Series(OTHERS, rest, REST_COLOUR))
    return stacked(names, series or [Series("refused", [0] * len(names), 1)], "Refusals per hour, by reason")


def _latency(found: Traffic, names: list[str]) -> SafeString:
    milliseconds = [None if seconds is None else seconds * 1000 for seconds in found.p95]
    return lines(names, [Series("p95", milliseconds, 0)], "Time to answer, 95th percentile", "ms")


def words(reason: str) -> str:
    """A code of the trail, to read."""
    return reason.replace("_", " ")


def _added(rows: Any, length: int) -> Sequence[int]:
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * length


def _states() -> dict[str, Any]:
    """By state, in the order of a credential's life, each with its list."""
    found = credential_states()
    list_url = reverse("admin:credentials_credential_changelist")
    rows = [
        {"label": label(state), "count": f"{found.counts[state]:,}", "link": f"{list_url}?state__exact={state}"}
        for state in Credential.State.values
        if state in found.counts
    ]
    return {"rows": rows, "at": found.at}


def _coming() -> list[dict[str, Any]]:
    """The next expiries and rotations, soonest first."""
    now = timezone.now()
    live = Credential.objects.select_related("policy").only("hint", "policy__name", "expires_at", "rotates_at", "state")
    active = live.filter(state=Credential.State.ACTIVE)
    expiring = live.filter(state__in=Credential.USABLE, expires_at__gt=now).order_by("expires_at")[:NEXT]
    rotating = active.filter(rotates_at__isnull=False).order_by("rotates_at")[:NEXT]
    rows = [_event(row, "expires", row.expires_at, now) for row in expiring]
    rows += [_event(row, "rotates", row.rotates_at, now) for row in rotating]
    return sorted(rows, key=lambda row: row["at"])[:NEXT]


def _event(row: Credential, verb: str, at: Any, now: datetime) -> dict[str, Any]:
    return {
        "name": row.hint or f"{row.policy} {str(row.pk)[:8]}",
        "link": page_of(row),
        "verb": verb,
        "at": at,
        "until": f"in {timeuntil(at, now, depth=1)}" if at > now else "now due",
    }
