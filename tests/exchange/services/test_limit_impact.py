"""Foretells which limit of calls a platform's newest calls would have gone over."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Platform
from exchange.services.grants import new_secret_set
from exchange.services.limit_impact import foretell_limit

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def platform(db):
    return Platform.objects.create(name="acme", secrets=new_secret_set("acme"))


def called(*seconds_ago, actor="platform:acme"):
    for seconds in sorted(seconds_ago, reverse=True):
        AuditEvent.objects.create(action=ACTION, actor=actor, outcome="granted", at=NOW - timedelta(seconds=seconds))


def limited(platform, limit, before=None):
    old, new = copy.copy(platform), copy.copy(platform)
    old.requests_per_minute, new.requests_per_minute = before, limit
    with time_machine.travel(NOW, tick=False):
        return foretell_limit(old, new)


def test_the_most_within_a_minute_is_told(platform):
    called(500, 445, 441, 100, 60, 40, 0)
    found = limited(platform, 2)
    assert found.sentence() == (
        "3 of its calls came within a minute, until 2030-05-01 11:52:39 UTC: of as many, a limit of 2 a minute has 1 "
        "refused with 429."
    )


@pytest.mark.parametrize(("limit", "before"), [(None, 1), (3, None), (2, 2), (2, 1)])
def test_a_limit_that_lets_them_pass_is_not(platform, limit, before):
    called(50, 40, 30)
    assert limited(platform, limit, before) is None


def test_a_peak_hours_ago_is_told_whatever_came_since(platform):
    """Five hundred calls within a minute, and then one each second for more than half an hour."""
    at = [NOW - timedelta(hours=2) + timedelta(seconds=n / 10) for n in range(500)]
    at += [NOW - timedelta(seconds=n) for n in range(2100)]
    lines = [AuditEvent(action=ACTION, actor="platform:acme", outcome="granted", at=each) for each in at]
    AuditEvent.objects.bulk_create(lines)
    found = limited(platform, 300)
    assert (found.calls, found.until) == (500, NOW - timedelta(hours=2) + timedelta(seconds=49))


def test_of_a_great_many_calls_the_newest_are_looked_at(platform, monkeypatch):
    monkeypatch.setattr("exchange.services.limit_impact.MOST", 3)
    called(900, 890, 880, 100, 90, 10)
    assert limited(platform, 1).until == NOW - timedelta(seconds=90)


def test_neither_calls_of_others_nor_those_of_days_ago_count(platform):
    called(50, 40, 30, actor="unproven:acme")
    called(50, 40, 30, actor="platform:other")
    called(100_000, 99_999, 99_998)
    assert limited(platform, 1) is None
