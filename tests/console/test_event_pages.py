"""Event endpoints and deliveries in the console."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.adminkit.links import named_link
from credservice.events.emit import emit, forget_wanted
from credservice.events.models import DeliveryAttempt, Event, EventDelivery, EventEndpoint
from tests.conftest import Trail
from tests.events.conftest import make_endpoint
from tests.support.doors import role_client
from tests.support.pages import send, url


@pytest.fixture
def endpoint(db: None) -> Any:
    yield make_endpoint("https://api.example.com/events")[0]
    forget_wanted()


@pytest.fixture
def failed(endpoint: EventEndpoint) -> EventDelivery:
    emit("credential.issued", object_type="credential", object_id="1")
    EventDelivery.objects.update(state="failed", next_attempt_at=None)
    delivery = EventDelivery.objects.get()
    DeliveryAttempt.objects.create(delivery=delivery, milliseconds=12, status=500, answer="<b>broken</b>")
    return delivery


def test_a_new_endpoint_shows_its_secret_once(console: Client, trail: Trail) -> None:
    values = {"name": "backend", "url": "https://api.example.com/events", "types": ["credential.revoked"]}
    shown = send(console, url(EventEndpoint, "add"), **values).content.decode()
    endpoint = EventEndpoint.objects.get()
    text = endpoint.secrets.secrets.get().open().decode()
    assert text.startswith("whsec_")
    assert text in shown
    assert f'href="{url(endpoint, "test")}"' in shown
    assert text not in console.get(url(endpoint)).content.decode()
    assert endpoint.types == ["credential.revoked"]
    assert trail.one(action="event_endpoint.created")


def test_an_address_that_cannot_be_sent_to_is_refused(console: Client) -> None:
    answer = send(console, url(EventEndpoint, "add"), name="backend", url="ftp://example.com")
    assert "must begin with https://" in answer.content.decode()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://10.1.2.3/x", "10.1.2.3 is not public"),
        ("https://[fd00::1]/x", "fd00::1 is not public"),
        ("http://93.184.216.34/x", "must be reached by https"),
    ],
)
def test_an_address_that_is_never_delivered_to_is_refused(console: Client, address: str, sentence: str) -> None:
    answer = send(console, url(EventEndpoint, "add"), name="backend", url=address)
    assert sentence in answer.content.decode()
    assert not EventEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("our backend", "Write letters, digits, hyphens and underscores only."),
        ("backend", "This is taken already: write another."),
        ("b" * 70, "Write at most 64 characters: these are 70."),
    ],
)
def test_a_wrong_name_is_told_in_the_consoles_words(
    console: Client, endpoint: EventEndpoint, name: str, sentence: str
) -> None:
    EventEndpoint.objects.update(name="backend")
    page = send(console, url(EventEndpoint, "add"), name=name, url="https://api.example.com/events")
    assert page.context["adminform"].form.errors == {"name": [sentence]}


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000/x", "http://localhost:9000/x", "https://93.184.216.34/x"])
def test_the_loopback_in_development_and_a_public_address_are_taken(console: Client, address: str) -> None:
    send(console, url(EventEndpoint, "add"), name="backend", url=address)
    assert EventEndpoint.objects.get().url == address


def test_the_types_are_described_without_marks_of_code(console: Client) -> None:
    page = console.get(url(EventEndpoint, "add")).content.decode()
    assert "final tells whether it is tried again" in page
    assert "`" not in page[page.index('id="id_types"') :]


def test_a_test_event_is_queued(console: Client, endpoint: EventEndpoint, trail: Trail) -> None:
    assert send(console, url(endpoint, "test"), type="ping").status_code == 302
    assert Event.objects.get().type == "ping"
    assert trail.one(action="event_endpoint.pinged").actor == "user:root"


def test_the_example_of_any_type_is_sent_as_the_page_shows_it(
    console: Client, trail: Trail, endpoint: EventEndpoint
) -> None:
    page = console.get(reverse("admin:events_eventendpoint_types")).content.decode()
    address = f"{url(endpoint, 'test')}?type=credential.expiring"
    assert f'href="{address}"' in page
    assert '<option value="credential.expiring" selected>' in console.get(address).content.decode()
    for _ in range(2):
        send(console, address, type="credential.expiring")
    first, second = (json.loads(event.body) for event in Event.objects.all())
    assert (first["type"], first["example"], second["example"]) == ("credential.expiring", True, True)
    assert first["data"].keys() == second["data"].keys()
    assert EventDelivery.objects.filter(endpoint=endpoint, state="pending").count() == 2
    assert trail.all(action="event_endpoint.pinged")[0].detail["type"] == "credential.expiring"


def test_a_type_that_there_is_not_is_not_sent(console: Client, endpoint: EventEndpoint) -> None:
    assert "Select a valid choice" in send(console, url(endpoint, "test"), type="credential.stolen").content.decode()
    assert not Event.objects.exists()


def test_who_may_only_look_is_shown_the_types_and_no_endpoint(endpoint: EventEndpoint) -> None:
    page = role_client("Viewer").get(reverse("admin:events_eventendpoint_types")).content.decode()
    assert "credential.rotated" in page
    assert url(endpoint, "test") not in page


def test_a_delivery_shows_its_log_and_is_sent_again(console: Client, failed: EventDelivery) -> None:
    page = console.get(url(failed)).content.decode()
    assert "&lt;b&gt;broken&lt;/b&gt;" in page
    assert send(console, url(failed, "replay")).status_code == 302
    failed.refresh_from_db()
    assert failed.state == "pending"


def test_what_failed_in_the_last_day_is_sent_again(console: Client, failed: EventDelivery) -> None:
    send(console, url(failed.endpoint, "replay-failed"), since="86400")
    failed.refresh_from_db()
    assert failed.state == "pending"


def test_what_there_is_one_of_is_named_once(db: None) -> None:
    assert strip_tags(named_link("overview", "overview")) == "overview"


def test_a_delivery_is_found_by_its_webhook_id(console: Client, failed: EventDelivery) -> None:
    found = console.get(url(EventDelivery, "changelist"), {"q": failed.event.message_id}).context["cl"].result_list
    assert [row.pk for row in found] == [failed.pk]


def test_the_overview_leads_to_an_endpoint_that_fails(console: Client, endpoint: EventEndpoint) -> None:
    EventEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=2))
    page = console.get(reverse("admin:index"))
    (line,) = [line for line in page.context["needed"] if "event endpoint" in line["sentence"]]
    assert line["sentence"].startswith(f"The event endpoint {endpoint} has failed since")
    assert line["link"] == url(endpoint)


def test_the_page_of_an_endpoint_that_fails_says_why(console: Client, failed: EventDelivery) -> None:
    def facts() -> dict[str, Any]:
        return {fact.name: fact.value for fact in console.get(url(failed.endpoint)).context["header"].facts}

    EventDelivery.objects.update(state="pending", attempts=1, next_attempt_at=timezone.now())
    assert "Why it fails" not in facts()
    EventEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=2))
    assert facts()["Why it fails"] == "it answers 500"


def test_its_secret_is_changed_to_one_of_the_same_form(console: Client, endpoint: EventEndpoint) -> None:
    address = reverse("admin:keys_signingsecretset_new-secret", args=[endpoint.secrets_id])
    shown = send(console, address, source="generate", overlap="86400").content.decode()
    assert shown.count("whsec_") >= 1
    assert endpoint.secrets.live().count() == 2


def test_where_a_person_suspends_it_no_event_is_kept_also_after_an_earlier_410(
    console: Client, endpoint: EventEndpoint
) -> None:
    EventEndpoint.objects.update(ended_by="It answered 410 Gone")
    send(console, url(endpoint, "suspend"), why="the receiver is rebuilt")
    emit("credential.issued", object_type="credential", object_id="1")
    assert (EventEndpoint.objects.get().is_active, EventDelivery.objects.count()) == (False, 0)
