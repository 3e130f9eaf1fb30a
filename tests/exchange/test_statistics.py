"""Each exchange counts for the console's plots, by its outcome and its time."""

from collections.abc import Iterator

import pytest

from credservice.statistics import counters
from tests.support.exchange_factories import IDS
from tests.support.metrics import scrape


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    counters._counted.clear()
    yield
    counters._counted.clear()


def outcomes() -> dict[str, int]:
    return {name: number for (_, series, name), number in counters._counted.items() if series == "exchange"}


def test_a_granted_exchange_counts_once(door, granted):
    assert door.post(IDS).status_code == 200
    assert outcomes() == {"granted": 1}


def test_a_refused_one_counts_under_the_trails_reason(door, granted):
    assert door.post(headers={}).status_code == 401
    assert door.post(IDS | {"endUserId": "nobody"}).status_code == 404
    assert outcomes() == {"missing_signature": 1, "unknown_end_user": 1}


def test_both_count_for_their_platform(door, granted):
    door.post(IDS)
    door.post(headers={})
    door.post(headers={}, path="/credential-exchange/nobody")
    of_platforms = ("exchange.granted", "exchange.refused")
    counted = {(series, name): n for (_, series, name), n in counters._counted.items() if series in of_platforms}
    assert counted == {("exchange.granted", "mindcloud"): 1, ("exchange.refused", "mindcloud"): 1}


def test_an_error_of_ours_counts_as_one(door, granted, monkeypatch):
    monkeypatch.setattr("exchange.views.authenticate", lambda *_: 1 / 0)
    assert door.post(IDS).status_code == 500
    assert outcomes() == {"internal_error": 1}


def test_its_time_is_counted(door, granted):
    door.post(IDS)
    assert sum(number for (_, series, _), number in counters._counted.items() if series == "exchange.seconds") == 1


def test_prometheus_is_told_of_each_platform_and_reason(client, door, granted):
    before = scrape(client)
    door.post(IDS)
    door.post(headers={})
    door.post(path="/credential-exchange/invented-name")
    after = scrape(client)
    grown = [
        after.value(name, **labels) - before.value(name, **labels)
        for name, labels in (
            ("credservice_exchanges_total", {"platform": "mindcloud"}),
            ("credservice_refused_exchanges_total", {"platform": "mindcloud", "reason": "missing_signature"}),
            ("credservice_refused_exchanges_total", {"platform": "", "reason": "unknown_platform"}),
        )
    ]
    assert grown == [1, 1, 1]


def test_an_invented_platform_makes_no_series_of_its_own(client, door):
    door.post(path="/credential-exchange/invented-name")
    assert b"invented-name" not in client.get("/metrics").content
