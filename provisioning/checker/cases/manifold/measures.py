"""Checks GET /resources/:id/measures."""

from datetime import UTC, datetime, timedelta

from provisioning.checker import expect
from provisioning.checker.cases.manifold.bodies import all_refused
from provisioning.checker.ids import new_id
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case


@case("measures.month", "usage of this month, to its last second")
def month(provider: Provider) -> None:
    # The marketplace's checker asks like this, although the document's period ends before `period_end`.
    start, end = _month()
    _measured(provider, _period(start, end - timedelta(seconds=1)))


@case("measures.half_open", "usage of this month, to the start of the next")
def half_open(provider: Provider) -> None:
    _measured(provider, this_month())


@case("measures.bad_period", "a missing or malformed period is refused")
def bad_period(provider: Provider) -> None:
    resource_id, good = provider.resource(), this_month()
    queries: list[dict[str, str]] = [{}, {**good, "period_end": "yesterday"}]
    queries += [{name: moment} for name, moment in good.items()]
    all_refused(provider.measures(resource_id, query) for query in queries)


@case("measures.reversed_period", "a period that ends before it starts is refused", strict=True)
def reversed_period(provider: Provider) -> None:
    start, end = _month()
    expect.refusal(provider.measures(provider.resource(), _period(end, start)), 400)


@case("measures.unknown_resource", "an unknown resource is not found")
def unknown_resource(provider: Provider) -> None:
    expect.refusal(provider.measures(new_id(), this_month()), 404)


def this_month() -> dict[str, str]:
    """Make the query for `[start of this month, start of the next)` in UTC, as the document's example writes it."""
    return _period(*_month())


def _measured(provider: Provider, query: dict[str, str]) -> None:
    resource_id = provider.resource()
    expect.measures(provider.measures(resource_id, query), resource_id, query)


def _month() -> tuple[datetime, datetime]:
    start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=31)).replace(day=1)


def _period(start: datetime, end: datetime) -> dict[str, str]:
    return {"period_end": _moment(end), "period_start": _moment(start)}


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
