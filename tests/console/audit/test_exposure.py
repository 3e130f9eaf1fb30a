"""Looks up who could have seen a credential, or a value that turned up."""

import csv
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.credentials.exposure import line_of, sightings
from credservice.credentials.services import reveal, rotate
from tests.console.audit.conftest import LIST
from tests.support.console import CANARY
from tests.support.pages import send, url


def seen_url(credential):
    return reverse("admin:audit_auditevent_seen", args=[credential.pk])


@pytest.mark.usefixtures("from_address")
def test_who_could_have_seen_a_credential(console, world):
    key = world.make_key()
    for _ in range(3):
        what = {"object_type": "credential", "object_id": key.pk, "subject": key.subject}
        record(Line(action="exchange.credential", actor="platform:mindcloud", outcome="granted", **what))
    record(Line(action="exchange.credential", actor="platform:mindcloud", outcome="refused", **what))
    reveal(credential=key, actor="user:ann", reason="a test")
    rotate(credential=key, actor="user:bob", overlap=timedelta(hours=1))
    ways = {(seen.actor, seen.action): seen.times for seen in sightings(line_of(key.pk))}
    assert ways["platform:mindcloud", "exchange.credential"] == 3
    assert ways["user:ann", "credential.revealed"] == 1
    assert ("user:bob", "credential.retiring") not in ways
    page = console.get(seen_url(key)).content.decode()
    assert "handed out by the exchange" in page
    assert "2001:db8:1111:2222:3333:4444:5555:6666" in page
    assert "no end is set" in page


def test_callbacks_to_its_subject_count(console, world):
    key = world.make_key()
    record(Line(action="callback.sent", actor="worker", object_type="callback", object_id="9", subject=key.subject))
    assert "callback.sent" in {seen.action for seen in sightings(line_of(key.pk))}


def test_a_pasted_value_is_looked_up_and_kept_nowhere(console, world, trail):
    page = console.post(reverse("admin:audit_auditevent_find"), {"value": f'{{"apiKey": "{CANARY}"}}'})
    text = page.content.decode()
    assert "entered its values" in text
    assert CANARY not in text
    line = trail.one(action="credential.leak_reported")
    assert line.object_id == str(world.credential.pk)
    assert CANARY not in str(line.detail)


@pytest.mark.parametrize("value", ["", " ", "not-a-key-of-ours-0123456789", "x" * 20_000])
def test_a_value_that_is_not_ours_says_so(console, world, value):
    page = console.post(reverse("admin:audit_auditevent_find"), {"value": value})
    assert page.status_code == 200
    assert "handed out by" not in page.content.decode()


def test_an_unknown_credential_is_not_found(console, world):
    address = reverse("admin:audit_auditevent_seen", args=["00000000-0000-0000-0000-000000000000"])
    assert console.get(address).status_code == 404


def test_who_may_not_see_credentials_is_not_told(clerk, world):
    assert clerk.get(seen_url(world.credential)).status_code == 403
    assert clerk.post(reverse("admin:audit_auditevent_find"), {"value": CANARY}).status_code == 403


def test_lines_of_one_moment_stand_by_their_ids_newest_first_everywhere(console, world):
    """The list, the object's page, both exports, and who saw it, agree: a transaction's lines have one time."""
    names = [f"n{number * 7 % 20}" for number in range(20)]
    for name in names:
        reveal(credential=world.credential, actor=f"user:{name}", reason="a test")
    names.reverse()
    lines = list(AuditEvent.objects.filter(action="credential.revealed"))
    assert len({line.at for line in lines}) == 1
    assert [line.actor for line in lines] == [f"user:{name}" for name in names]
    shown = console.get(LIST, {"action": "credential.revealed"}).context["cl"].result_list
    exported = send(console, f"{LIST}export/?action=credential.revealed", format="ndjson")
    rows = [json.loads(row)["id"] for row in b"".join(exported.streaming_content).splitlines()]
    card = next(card for card in console.get(url(world.credential)).context["cards"] if card.title == "Trail")
    assert [line.pk for line in lines] == [line.pk for line in shown] == rows
    assert list(card.rows) == lines[: len(card.rows)]
    customer = url(world.end_user, "who-saw")
    for page in (console.get(customer).context["seen"], console.get(seen_url(world.credential)).context["seen"]):
        assert [who for who, *_ in page["sightings"]][:20] == names
    file = b"".join(send(console, customer).streaming_content).decode().splitlines()
    assert [row["Who"] for row in csv.DictReader(file)][:20] == names
