"""Hourly sums: counted in memory, added up in the table, read for the console's first page."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.statistics import counters, reading
from credservice.statistics.models import Tally
from credservice.statistics.reading import credential_states, quantile, traffic
from credservice.statistics.tasks import count_states, prune

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    counters._counted.clear()
    yield
    counters._counted.clear()


def rows(series: str) -> dict[str, int]:
    return dict(Tally.objects.filter(series=series).values_list("name", "count"))


def test_counting_asks_the_database_nothing() -> None:
    with CaptureQueriesContext(connection) as captured:
        counters.count("exchange", "granted")
        counters.count_seconds("exchange", 0.004)
    assert len(captured) == 0


def test_a_flush_is_one_statement_and_adds() -> None:
    for _ in range(2):
        counters.count("exchange", "granted")
        counters.count("exchange", "granted")
        counters.count("exchange", "suspended")
        with CaptureQueriesContext(connection) as captured:
            counters.flush()
        assert len(captured) == 1
    assert rows("exchange") == {"granted": 4, "suspended": 2}


def test_a_flush_of_nothing_is_no_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        counters.flush()
    assert len(captured) == 0


def test_what_cannot_be_written_is_kept(monkeypatch: Any) -> None:
    counters.count("exchange", "granted")
    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", _raise)
        counters.flush()
    counters.flush()
    assert rows("exchange") == {"granted": 1}


def _raise() -> Any:
    raise Error("away")


def test_invented_names_share_a_bounded_place(monkeypatch: Any) -> None:
    monkeypatch.setattr(counters, "MAX_NAMES", 3)
    for n in range(9):
        counters.count("exchange", f"reason-{n}")
    counters.flush()
    assert rows("exchange") == {"reason-0": 1, "reason-1": 1, "reason-2": 1, "other": 6}


@pytest.mark.parametrize(("seconds", "bound"), [(0, "0.001"), (0.001, "0.001"), (0.0042, "0.005"), (99, "30")])
def test_a_latency_goes_into_its_bucket(seconds: float, bound: str) -> None:
    counters.count_seconds("exchange", seconds)
    counters.flush()
    assert rows("exchange.seconds") == {bound: 1}


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [({}, None), ({0.001: 100}, 0.00095), ({0.001: 90, 0.01: 10}, 0.00875), ({30: 1}, 29)],
)
def test_a_quantile_is_linear_within_its_bucket(counts: dict[float, int], wanted: float | None) -> None:
    assert quantile(counts, 0.95) == pytest.approx(wanted)


@pytest.mark.usefixtures("stopped_clock")
def test_traffic_has_every_hour_the_last_one_included() -> None:
    now = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for hours_ago, name, number in ((0, "granted", 5), (2, "granted", 7), (2, "suspended", 1), (30, "granted", 99)):
        Tally.objects.create(series="exchange", hour=now - timedelta(hours=hours_ago), name=name, count=number)
    found = traffic(3)
    assert found.granted == [7, 0, 5]
    assert found.refused == {"suspended": [1, 0, 0]}
    assert found.p95 == [None, None, None]


def test_few_credentials_are_counted_as_they_are() -> None:
    make_credentials(2)
    assert credential_states().counts == {"pending": 2}
    assert credential_states().at is None


def test_many_credentials_are_shown_as_the_job_counted_them(monkeypatch: Any) -> None:
    make_credentials(3)
    count_states(0)
    monkeypatch.setattr(reading, "COUNTED_LIVE", 2)
    found = credential_states()
    assert found.counts == {"pending": 3}
    assert found.at is not None


def test_the_job_sets_its_figure_again_and_zero_where_none_is_left() -> None:
    make_credentials(2)
    count_states(0)
    Credential.objects.update(state="failed")
    count_states(0)
    assert rows("credentials") | {"pending": 0, "failed": 2} == rows("credentials")


def test_old_hours_are_dropped() -> None:
    old, new = timezone.now() - timedelta(days=36), timezone.now() - timedelta(days=34)
    for hour in (old, new):
        Tally.objects.create(series="exchange", hour=hour, name="granted", count=1)
    prune(0)
    assert [row.hour for row in Tally.objects.all()] == [new]


def test_an_hour_begins_with_its_first_second(monkeypatch: Any) -> None:
    moment = datetime(2026, 3, 1, 12, 59, 59, tzinfo=UTC)
    monkeypatch.setattr(time, "time", moment.timestamp)
    counters.count("exchange", "granted")
    counters.flush()
    assert Tally.objects.get().hour == datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_credentials(number: int) -> None:
    policy = CredentialPolicy.objects.create(name="p", issuer="api_key")
    for _ in range(number):
        credential = Credential(policy=policy)
        credential.line = credential.pk
        credential.save()
