"""Builds the console's first page: what waits, traffic by the hour, states, and what comes next.

Nothing on it is counted over a large table while somebody waits: it shows sums by the hour (credservice.statistics),
the first few rows of an index, and counts that stop at a hundred.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from credservice.adminkit.labels import label
from credservice.adminkit.links import list_url, may_view, page_of
from credservice.adminkit.sentences import UNPROVEN
from credservice.audit.models import AuditEvent
from credservice.console import sidebar
from credservice.console.first_steps_page import is_new, openings
from credservice.core.ago import ago
from credservice.core.svg_charts import Series, lines, stacked
from credservice.credentials.admin.filters import retiring_last
from credservice.credentials.models import Credential
from credservice.statistics.reading import (
    PartnerTraffic,
    Traffic,
    by_marketplace,
    by_platform,
    credential_states,
    traffic,
)

PERIODS = {"24h": (24, "24 hours"), "7d": (7 * 24, "7 days")}
NEXT = 5  # rows of what comes next
REASONS = 5  # by colour; the rest is one
EXCHANGES = {"action": "exchange.credential"}
GRANTED, REFUSED = {"outcome__exact": "granted"}, {"outcome__exact": "refused"}
OTHERS, REST_COLOUR = "other reasons", 6


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Collect what the page shows: Unfold's ``DASHBOARD_CALLBACK``."""
    groups = sidebar.groups(request)
    if not groups:
        return context | {"groups": groups}
    found: dict[str, Any] = {
        "groups": groups,
        "needed": sidebar.needed(request),
        "under_way": sidebar.under_way(request),
    }
    plots = _plots(request)
    if is_new(request) and not plots["is_answering_marketplaces"]:
        found["openings"] = openings(request)
    if may_view(request, Credential):
        found |= {"states": _states(), "coming": _coming()}
    return context | found | plots


def _plots(request: HttpRequest) -> dict[str, Any]:
    asked = request.GET.get("period", "")
    period = asked if asked in PERIODS else "24h"
    hours, words = PERIODS[period]
    found = traffic(hours)
    trail = TrailLinks(found.hours) if request.user.has_perm("audit.view_auditevent") else NoLinks(found.hours)
    names = [_name(hour, hours) for hour in found.hours]
    marketplaces = by_marketplace(hours)
    return {
        "is_quiet": not sum(found.granted) and not found.refused,
        "period": words,
        "periods": [
            {"link": f"?period={key}", "words": text, "chosen": key == period} for key, (_, text) in PERIODS.items()
        ],
        "totals": _totals(found, trail),
        "plots": [_outcomes(found, names, trail), _reasons(found, names, trail), _latency(found, names)],
        "platforms": _platforms(hours, trail),
        "marketplaces": _marketplaces(marketplaces, trail),
        "is_answering_marketplaces": any(one.answered for one in marketplaces),
    }


class TrailLinks:
    """Makes links into the audit log, filtered by what a number, a bar or a word of the overview stands for."""

    def __init__(self, hours: Sequence[datetime]) -> None:
        self.hours = hours

    def of_period(self, **filters: str) -> str:
        return self._link(self.hours[0], self.hours[-1], EXCHANGES | filters)

    def of_calls(self, **filters: str) -> str:
        """Find the lines of the period, exchanges or not."""
        return self._link(self.hours[0], self.hours[-1], filters)

    def by_hour(self, **filters: str) -> list[str]:
        return [self._link(hour, hour, EXCHANGES | filters) for hour in self.hours]

    def _link(self, first: datetime, last: datetime, filters: dict[str, str]) -> str:
        first, last = first.astimezone(UTC), last.astimezone(UTC)
        return list_url(
            AuditEvent,
            **filters,
            at_from_0=f"{first:%Y-%m-%d}",
            at_from_1=f"{first:%H:%M}",
            at_to_0=f"{last:%Y-%m-%d}",
            at_to_1=f"{last:%H}:59",
        )


class NoLinks(TrailLinks):
    """For whoever may not see the audit log."""

    def by_hour(self, **filters: str) -> list[str]:
        return []

    def _link(self, first: datetime, last: datetime, filters: dict[str, str]) -> str:
        return ""


def _name(hour: datetime, hours: int) -> str:
    return hour.astimezone(UTC).strftime("%H:%M" if hours <= 24 else "%a %d %b, %H:%M")


def _totals(found: Traffic, trail: TrailLinks) -> list[tuple[str, str, str]]:
    """List name, value and link of each."""
    granted, refused = sum(found.granted), sum(map(sum, found.refused.values()))
    of_refused = trail.of_period(**REFUSED)
    return [
        ("Granted", f"{granted:,}", trail.of_period(**GRANTED)),
        ("Refused", f"{refused:,}", of_refused),
        ("Refused, share of all calls", _share(granted, refused), of_refused),
    ]


def _share(granted: int, refused: int) -> str:
    return _percent(refused / (granted + refused)) if refused else "none"


def _platforms(hours: int, trail: TrailLinks) -> list[dict[str, Any]]:
    """List the exchanges of each platform, with their lines in the audit log."""
    return [
        _calls(
            one,
            trail.of_period(**GRANTED, actor=f"platform:{one.name}"),
            trail.of_period(**REFUSED, actor=f"platform:{one.name},{UNPROVEN}{one.name}"),
        )
        for one in by_platform(hours)
    ]


def _marketplaces(found: list[PartnerTraffic], trail: TrailLinks) -> list[dict[str, Any]]:
    """List the calls of each marketplace. Those that changed nothing have no line in the audit log."""
    return [
        _calls(
            one,
            trail.of_calls(actor=f"marketplace:{one.name}"),
            trail.of_calls(**REFUSED, actor=f"marketplace:{one.name},{UNPROVEN}{one.name}"),
        )
        for one in found
    ]


def _calls(one: PartnerTraffic, answered_link: str, refused_link: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "answered": f"{one.answered:,}",
        "answered_link": answered_link,
        "refused": f"{one.refused:,}",
        "refused_link": refused_link,
        "share": _share(one.answered, one.refused),
    }


def _percent(share: float) -> str:
    """Write a share with two digits, never in powers of ten."""
    if share < 0.0001:
        return "under 0.01 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _outcomes(found: Traffic, names: list[str], trail: TrailLinks) -> SafeString:
    refused = _added(found.refused.values(), len(names))
    series = [
        Series("granted", found.granted, 0, trail.of_period(**GRANTED), trail.by_hour(**GRANTED)),
        Series("refused", refused, 1, trail.of_period(**REFUSED), trail.by_hour(**REFUSED)),
    ]
    return stacked(names, series, "Exchanges per hour")


def _reasons(found: Traffic, names: list[str], trail: TrailLinks) -> SafeString:
    by_reason = list(found.refused.items())
    series = [
        Series(
            words(reason),
            counts,
            n + 1,
            trail.of_period(**REFUSED, reason=reason),
            trail.by_hour(**REFUSED, reason=reason),
        )
        for n, (reason, counts) in enumerate(by_reason[:REASONS])
    ]
    if len(by_reason) > REASONS:
        rest = _added([counts for _, counts in by_reason[REASONS:]], len(names))
        series.append(Series(OTHERS, rest, REST_COLOUR, trail.of_period(**REFUSED), trail.by_hour(**REFUSED)))
    return stacked(names, series or [Series("refused", [0] * len(names), 1)], "Refusals per hour, by reason")


def _latency(found: Traffic, names: list[str]) -> SafeString:
    milliseconds = [None if seconds is None else seconds * 1000 for seconds in found.p95]
    return lines(names, [Series("p95", milliseconds, 0)], "Time to answer, 95th percentile", "ms")


def words(reason: str) -> str:
    """Write a code of the audit log for a reader."""
    return reason.replace("_", " ")


def _added(rows: Any, length: int) -> Sequence[int]:
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * length


def _states() -> dict[str, Any]:
    """Count by state, in the order of a credential's life, each with its list."""
    found = credential_states()
    rows = [
        {"label": label(state), "count": f"{found.counts[state]:,}", "link": list_url(Credential, state__exact=state)}
        for state in Credential.State.values
        if state in found.counts
    ]
    return {"rows": rows, "at": found.at}


def _coming() -> list[dict[str, Any]]:
    """Find the next expiries and rotations, and ends of what is handed out with nothing to follow it, soonest first."""
    now = timezone.now()
    live = Credential.objects.select_related("policy").only("hint", "policy__name", "expires_at", "rotates_at", "state")
    active = live.filter(state=Credential.State.ACTIVE)
    expiring = live.filter(state__in=Credential.USABLE, expires_at__gt=now).order_by("expires_at")[:NEXT]
    rotating = active.filter(rotates_at__isnull=False).order_by("rotates_at")[:NEXT]
    ending = retiring_last().select_related("policy").only("hint", "policy__name", "retires_at", "state")[:NEXT]
    rows = [_event(row, "expires", row.expires_at, now) for row in expiring if row not in ending]
    rows += [_event(row, "rotates", row.rotates_at, now) for row in rotating]
    rows += [_event(row, "ends", row.retires_at, now) for row in ending]
    return sorted(rows, key=lambda row: row["at"])[:NEXT]


def _event(row: Credential, verb: str, at: Any, now: datetime) -> dict[str, Any]:
    return {
        "name": row.version_name(),
        "link": page_of(row),
        "verb": verb,
        "at": at,
        "until": ago(at) if at > now else "now due",
    }
