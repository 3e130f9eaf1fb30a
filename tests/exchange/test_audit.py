"""One line for each exchange: who, what, whose, with what outcome; never a value."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from exchange.models import EndUser
from exchange.queries import signatures_with_several_bodies
from tests.support.exchange_factories import IDS, SECRET, VALUE, make_door


def test_a_granted_exchange_is_one_line(door, granted, trail):
    door.post()
    event = trail.one(action="exchange.credential")
    assert (event.outcome, event.actor) == ("granted", "platform:mindcloud")
    assert (event.object_type, event.object_id) == ("credential", str(granted.pk))
    assert event.subject == f"end_user:{door.end_user.pk}"
    assert event.source == "127.0.0.1"
    assert event.request_id


def test_its_detail_names_the_ids_and_the_secret(door, granted, trail):
    door.post()
    detail = trail.one(action="exchange.credential").detail
    assert set(detail) == {"integration", "installation", "end_user", "secret", "signature", "body"}
    assert detail["installation"] == IDS["installationId"]
    assert detail["secret"] == str(door.secret.pk)


def test_the_request_id_of_the_answer_finds_the_line(door, granted, trail):
    response = door.post()
    assert trail.one(action="exchange.credential").request_id == response["X-Request-ID"]


def test_a_refused_exchange_is_one_line_with_its_reason(door, trail):
    door.post()
    event = trail.one()
    assert (event.outcome, event.reason, event.actor) == ("refused", "no_grant", "platform:mindcloud")
    assert event.detail["end_user"] == IDS["endUserId"]


def test_a_refused_clock_is_in_the_line(door, granted, trail):
    door.post(headers=door.signed(timestamp="1700000000"))
    detail = trail.one(outcome="refused").detail
    assert detail["clock_difference_seconds"] < -1000
    assert detail["tolerance_seconds"] == 300


def test_no_line_and_no_log_holds_a_secret(door, granted, trail, caplog):
    headers = door.signed()
    door.post(headers=headers)
    door.post(headers=headers | {"X-Timestamp": "1700000000"})
    door.post(IDS | {"endUserId": "other"}, headers=headers)
    written = caplog.text + json.dumps([[event.detail, event.object_id, event.reason] for event in trail.all()])
    for secret in (VALUE, SECRET, headers["X-Signature"]):
        assert secret not in written


def test_one_signature_with_several_bodies_is_counted(door, granted):
    headers = door.signed()
    for installation in ("install_xyz789", "install_xyz789", "install_other", "install_third"):
        door.post(IDS | {"installationId": installation}, headers=headers)
    found = signatures_with_several_bodies(timezone.now() - timedelta(minutes=1))
    assert [(reuse.actor, reuse.bodies, reuse.requests) for reuse in found] == [("platform:mindcloud", 3, 4)]


def test_a_signature_with_one_body_is_not_counted(door, granted):
    headers = door.signed()
    door.post(headers=headers)
    door.post(headers=headers)
    assert not signatures_with_several_bodies(timezone.now() - timedelta(minutes=1))


def test_what_cannot_be_recorded_is_not_handed_out(door, granted):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD CHECK (action <> 'exchange.credential') NOT VALID")
    response = door.post()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response["Retry-After"]
    assert VALUE.encode() not in response.content


@pytest.mark.django_db(transaction=True)
def test_the_line_is_committed_before_the_answer(client):
    door = make_door(client)
    door.grant()
    request_id = door.post()["X-Request-ID"]
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_auditevent WHERE request_id = %s", [request_id])
            assert cursor.fetchone() == (1,)
    finally:
        other.close()


def test_a_refused_call_of_a_proven_platform_says_whose_it_is(door, granted, trail):
    door.integration.response_shape = {"tenant": "$end_user.tenant"}
    door.integration.save()
    door.post()
    door.post(IDS | {"installationId": "install_other", "integrationId": "unknown"})
    assert [(line.reason, line.subject) for line in trail.all()] == [
        ("incomplete_answer", door.end_user.subject),
        ("unknown_integration", door.end_user.subject),
    ]


def test_a_call_that_is_not_proven_or_names_nobody_is_in_no_customers_trail(door, granted, trail):
    door.post(headers=door.signed(secret="of somebody else"))
    door.post(IDS | {"endUserId": "unknown"})
    assert [line.subject for line in trail.all(outcome="refused")] == ["", ""]


def test_ids_in_a_query_that_is_not_read_do_not_say_whose_it_is(door, granted, trail):
    EndUser.objects.create(platform=door.platform, end_user_id="another")
    door.integration.response_shape = {"tenant": "$end_user.tenant"}
    door.integration.save()
    door.post(path=f"{door.path}?endUserId=another")
    assert trail.one().subject == door.end_user.subject
