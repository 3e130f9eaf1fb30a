"""Source networks, unsigned mode, single use, requests per minute."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchange.models import SeenSignature
from tests.support.exchange_factories import make_platform

HERE, ELSEWHERE = ["127.0.0.0/8"], ["203.0.113.0/24", "2001:db8::/32"]


def test_unsigned_requests_of_the_named_networks_are_answered(door, granted):
    door.configure(require_signature=False, source_networks=[*ELSEWHERE, *HERE])
    assert door.post(headers={}).status_code == 200


def test_unsigned_requests_from_elsewhere_are_refused(door, granted, trail):
    door.configure(require_signature=False, source_networks=ELSEWHERE)
    assert (door.post(headers={}).status_code, trail.one(outcome="refused").reason) == (401, "source_network")


def test_a_signature_does_not_stand_in_for_the_network(door, granted):
    door.configure(source_networks=ELSEWHERE)
    assert door.post().status_code == 401


def test_a_network_does_not_stand_in_for_the_signature(door, granted):
    door.configure(source_networks=HERE)
    assert door.post(headers={}).status_code == 401
    assert door.post().status_code == 200


def test_a_forged_forwarded_address_is_not_believed(door, granted):
    door.configure(require_signature=False, source_networks=ELSEWHERE)
    assert door.post(headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_proxy_that_nobody_named_is_in_no_source_network(door, granted, trail, header):
    door.configure(require_signature=False, source_networks=HERE)
    assert door.post(headers={header: "127.0.0.1"}).status_code == 401
    refused = trail.one(outcome="refused")
    assert (refused.reason, str(refused.source)) == ("source_network", "127.0.0.1")


def test_a_trusted_proxys_forwarded_address_is(door, granted, settings):
    settings.TRUSTED_PROXIES = HERE
    door.configure(require_signature=False, source_networks=ELSEWHERE)
    assert door.post(headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 200


def test_a_signature_is_good_for_two_honest_runs_in_one_second(door, granted):
    headers = door.signed()
    assert [door.post(headers=headers).status_code for _ in range(2)] == [200, 200]


def test_a_signature_is_good_once_where_the_platform_says_so(door, granted, trail):
    door.configure(single_use_signatures=True)
    headers = door.signed()
    assert [door.post(headers=headers).status_code for _ in range(2)] == [200, 401]
    assert trail.one(outcome="refused").reason == "signature_seen"


def test_another_form_of_a_used_signature_is_used_as_well(door, granted):
    door.configure(single_use_signatures=True)
    headers = door.signed()
    door.post(headers=headers)
    assert door.post(headers=headers | {"X-Signature": "sha256=" + headers["X-Signature"].upper()}).status_code == 401


def test_a_bad_signature_uses_up_nothing(door, granted):
    door.configure(single_use_signatures=True)
    door.post(headers=door.signed(timestamp=str(int(time.time()) - 1000)))
    assert not SeenSignature.objects.exists()


def test_old_signatures_are_forgotten_a_few_at_a_time(door, granted):
    door.configure(single_use_signatures=True)
    SeenSignature.objects.bulk_create(SeenSignature(platform=door.platform, digest=bytes([n])) for n in range(15))
    SeenSignature.objects.update(seen_at=timezone.now() - timedelta(hours=3))
    door.post()
    assert SeenSignature.objects.count() == 6


def counted() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM limits_window WHERE key LIKE 'platform:%'")
        return [key for (key,) in cursor.fetchall()]


def test_over_the_limit_it_is_429_with_a_time_to_wait(door, granted):
    door.configure(requests_per_minute=2)
    responses = [door.post() for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[2].json()["code"] == "too_many_requests"
    assert 1 <= int(responses[2]["Retry-After"]) <= 60


def test_the_next_minute_begins_anew(door, granted):
    door.configure(requests_per_minute=1)
    door.post()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE limits_window SET minute = minute - interval '1 minute', calls = 100")
    assert door.post().status_code == 200


def test_refused_signatures_do_not_count(door, granted):
    door.configure(requests_per_minute=1)
    door.post(headers={})
    assert counted() == []


def test_another_platform_has_its_own_count(door, granted):
    make_platform("staging", requests_per_minute=5)
    door.configure(requests_per_minute=1)
    door.post()
    assert counted() == [f"platform:{door.platform.pk}"]


def test_nothing_is_counted_without_a_limit(door, granted):
    with CaptureQueriesContext(connection) as queries:
        door.post()
    assert not [query for query in queries if "limits_window" in query["sql"]]


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1"])
def test_a_mapped_address_is_the_address(door, granted, address):
    door.configure(source_networks=HERE)
    assert door.post(REMOTE_ADDR=address).status_code == 200
