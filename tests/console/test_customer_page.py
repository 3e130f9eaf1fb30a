"""The page of an end user: the place from which an operator works on a customer."""

import csv
import io
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.adminkit.links import list_url
from credservice.adminkit.sentences import plain_sentence
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.credentials.exposure import line_of, sightings
from credservice.credentials.models import Credential
from credservice.credentials.services import reveal, revoke, rotate, start_issue
from exchange.admin.customers import with_shown
from exchange.models import EndUser, Grant, Integration, Platform
from exchange.services.grants import new_secret_set
from tests.conftest import Trail
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import send, url


def hand_out(world: World, end_user: EndUser, times: int = 1) -> None:
    for _ in range(times):
        record(
            Line(
                "exchange.credential",
                "platform:mindcloud",
                outcome="granted",
                object_type="credential",
                object_id=world.credential.pk,
                subject=end_user.subject,
                detail={"integration": "int_1", "installation": "inst_1", "secret": "the-secrets-id"},
            )
        )


def elsewhere(world: World) -> EndUser:
    """The same customer on another platform."""
    other = Platform.objects.create(name="staging", secrets=new_secret_set("staging"))
    return EndUser.objects.create(platform=other, end_user_id="eu_9", external_id=world.end_user.external_id)


def cards(console: Client, obj: Any) -> dict[str, str]:
    page = console.get(url(obj))
    return {card.title: str(list(card.lines())) for card in page.context["cards"]}


def steps(client: Client, obj: Any) -> list[str]:
    return [step.sentence.split(":")[0] for step in client.get(url(obj)).context["next_steps"]]


def test_it_shows_grants_with_their_credentials_and_states(console: Client, world: World) -> None:
    shown = cards(console, world.end_user)["Grants and their credentials"]
    assert "int_1" in shown
    assert url(world.credential) in shown
    assert "just now" in shown
    assert "active" in shown


def test_grants_show_what_is_handed_out(console: Client, world: World, django_assert_max_num_queries: Any) -> None:
    old = world.credential
    newest = rotate(credential=old, actor="test", entered={"apiKey": "second"})
    pages = ((console.get(list_url(Grant)), url(newest)), (console.get(url(world.end_user)), url(newest)))
    assert all(page in response.content.decode() for response, page in pages)
    revoke(credential=newest, actor="test", reason="wrong")
    shown = cards(console, world.end_user)["Grants and their credentials"]
    assert (url(old) in shown, url(newest) in shown, "retiring" in shown) == (True, False, True)
    listed = console.get(list_url(Grant)).content.decode()
    assert (url(old) in listed, url(newest) in listed) == (True, False)
    revoke(credential=old, actor="test", reason="wrong")
    assert url(newest) in cards(console, world.end_user)["Grants and their credentials"]
    grants: list[Any] = list(Grant.objects.all())
    with django_assert_max_num_queries(1):
        with_shown(grants)
        assert [grant.shown for grant in grants] == [newest]


def test_it_shows_the_customer_on_every_platform(console: Client, world: World) -> None:
    other = elsewhere(world)
    shown = cards(console, world.end_user)["At the platforms"]
    assert url(other) in shown
    assert "eu_1" in shown


def test_it_shows_the_last_hand_outs(console: Client, world: World) -> None:
    hand_out(world, world.end_user)
    assert "inst_1" in cards(console, world.end_user)["Last hand-outs"]


def test_it_says_what_is_next(console: Client, world: World) -> None:
    assert steps(console, world.end_user) == []
    world.make_installation("inst_2", "pending")
    revoke(credential=world.credential, actor="test", reason="found in a log")
    EndUser.objects.filter(pk=world.end_user.pk).update(is_active=False)
    assert steps(console, world.end_user) == [
        "Suspended",
        "1 ended credential may still work in your product",
        "1 installation waiting for approval",
        "No credential is handed out",
    ]
    viewer = role_client("Viewer")
    assert steps(viewer, world.end_user) == ["1 ended credential may still work in your product"]
    revoke(credential=world.credential, actor="test", reason="found in a log", leaked=True)
    assert steps(viewer, world.end_user) == ["1 leaked credential may still work in your product"]


def test_it_says_first_what_has_leaked_and_is_handed_out(console: Client, world: World) -> None:
    Credential.objects.filter(pk=world.credential.pk).update(leaked_at=timezone.now())
    (step,) = console.get(url(world.end_user)).context["next_steps"]
    assert step.sentence == "1 leaked credential is still handed out: replace it as leaked"
    assert (step.urgent, step.link) == (True, url(world.credential))


def test_the_next_step_leads_to_a_grant_for_this_customer(console: Client, world: World) -> None:
    Grant.objects.all().delete()
    (step,) = console.get(url(world.end_user)).context["next_steps"]
    assert console.get(step.link).context["consequences"][0].startswith("acme · eu_1 · mindcloud gets")
    assert console.get("/admin/exchange/grant/add/?end_user=nonsense").status_code == 200


def test_who_saw_its_secrets_counts_all_its_platforms(console: Client, world: World) -> None:
    other = elsewhere(world)
    hand_out(world, world.end_user, 2)
    hand_out(world, other)
    reveal(credential=world.credential, actor="user:ann", reason="a test")
    seen = [sighting for *_, sighting in console.get(url(world.end_user, "who-saw")).context["seen"]["sightings"]]
    assert {(sighting.actor, sighting.action, sighting.times) for sighting in seen} >= {
        ("platform:mindcloud", "exchange.credential", 3),
        ("user:ann", "credential.revealed", 1),
    }


def test_days_bound_who_saw_it(console: Client, world: World) -> None:
    hand_out(world, world.end_user)
    today = timezone.now().astimezone(UTC).date()
    address = url(world.end_user, "who-saw")
    assert console.get(address, {"since": str(today), "until": str(today)}).context["seen"]["sightings"]
    before = {"since": str(today - timedelta(days=9)), "until": str(today - timedelta(days=2))}
    assert not console.get(address, before).context["seen"]["sightings"]


@pytest.mark.parametrize(
    "days",
    [
        {"since": "x", "until": ""},
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"since": "2026-02-02", "until": "9999-12-31"},
    ],
)
def test_days_that_are_none_are_said(console: Client, world: World, days: dict[str, str]) -> None:
    page = console.get(url(world.end_user, "who-saw"), days)
    assert page.status_code == 200
    assert page.context["form"].errors


def exported(client: Client, obj: Any) -> tuple[Any, list[dict[str, str]]]:
    """Take what the page shows as a file."""
    answer = send(client, url(obj, "who-saw"))
    return answer, list(csv.DictReader(io.StringIO(b"".join(answer).decode())))


def test_it_is_exported_as_csv_and_that_is_recorded(console: Client, world: World, trail: Trail) -> None:
    hand_out(world, world.end_user, 2)
    answer, rows = exported(console, world.end_user)
    assert [row["How"] for row in rows].count("handed out by the exchange") == 2
    today = timezone.now().astimezone(UTC).date()
    assert f"-{today - timedelta(days=6)}-to-{today}.csv" in answer["Content-Disposition"]
    customer = {(row["Customer"], row["Customer's id"]) for row in rows}
    assert customer == {(str(world.end_user), world.end_user.external_id)}
    assert {(row["Who"], row["Kind"]) for row in rows} == {("test", "service"), ("mindcloud", "platform")}
    assert world.end_user.subject in trail.one(action="audit.exported").detail["filters"]["subject"]
    address = url(world.end_user, "who-saw")
    again = console.post(address)
    assert list(csv.DictReader(io.StringIO(b"".join(again).decode()))) == rows
    assert len(trail.all(action="audit.exported")) == 2


def test_the_csv_says_what_was_seen_and_why_in_words(console: Client, world: World) -> None:
    Integration.objects.filter(pk=world.integration.pk).update(name="Acme CRM")
    hand_out(world, world.end_user)
    made = world.make_key()
    reveal(credential=made, actor="user:ann", reason="=Ticket 4711")
    reveal(credential=world.credential, actor="token:ci", reason="a test")
    _, (static, key, fetched, _) = exported(console, world.end_user)
    at = AuditEvent.objects.get(pk=key["Line of the trail"]).at
    assert list(key.items())[2:-2] == [
        ("When (UTC)", f"{at:%Y-%m-%d %H:%M:%S}"),
        ("Who", "ann"),
        ("Kind", "person"),
        ("How", "shown in the console"),
        ("Reason", "'=Ticket 4711"),
        ("What they saw", made.hint),
        ("Policy", "keys"),
        ("Platform", "mindcloud"),
        ("Integration", ""),
        ("Installation", ""),
    ]
    entered = f"entered {str(world.credential.pk)[:8]}"
    assert list(fetched.values())[-6:-2] == ["entered", "mindcloud", "Acme CRM", "inst_1"]
    assert (fetched["What they saw"], fetched["Reason"]) == (entered, "")
    assert (static["Who"], static["Kind"], static["What they saw"]) == ("ci", "service token", entered)
    assert (static["Integration"], static["Installation"]) == ("Acme CRM", "")


def test_the_csv_names_nothing_that_its_reader_may_not_look_at(world: World) -> None:
    hand_out(world, world.end_user)
    reader = User.objects.create_user("reader", is_staff=True)
    may = ("view_auditevent", "export_auditevent", "view_credential", "view_enduser")
    reader.user_permissions.set(Permission.objects.filter(codename__in=may))
    client = Client()
    client.force_login(reader)
    _, rows = exported(client, world.end_user)
    hidden = {(row["Policy"], row["Platform"], row["Integration"], row["Installation"]) for row in rows}
    assert hidden == {("", "", "", "")}
    assert {row["What they saw"] for row in rows} == {str(world.credential.pk)[:8]}


def test_the_csv_of_a_resource_has_no_places(console: Client, world: World) -> None:
    start_issue(
        policy=world.policy, context={}, subject=world.resource.subject, actor="bob", entered={"apiKey": "x" * 20}
    )
    _, (row,) = exported(console, world.resource)
    assert (row["Customer's id"], row["Policy"]) == (world.resource.partner_id, "entered")
    assert "Platform" not in row


def test_who_may_not_export_is_offered_and_given_nothing(world: World) -> None:
    client, address = role_client("Operator"), url(world.end_user, "who-saw")
    assert not client.get(address).context["may_export"]
    assert client.post(address, {}).status_code == 403


def test_who_had_a_key_made_is_not_among_those_who_saw_it(console: Client, world: World) -> None:
    """The service made it, and no page showed it; of what was entered, whoever entered it knows it."""
    subject, address = world.resource.subject, url(world.resource, "who-saw")
    made = start_issue(policy=world.key_policy, context={}, subject=subject, actor="user:ann")
    assert "ann" not in strip_tags(console.get(address).content.decode()).split()
    assert sightings(line_of(made.pk)) == []
    reveal(credential=made, actor="user:ann", reason="a test")
    start_issue(policy=world.policy, context={}, subject=subject, actor="user:bob", entered={"apiKey": "x" * 20})
    seen = console.get(address).context["seen"]["sightings"]
    assert {(who, how) for who, how, *_ in seen} == {("ann", "shown in the console"), ("bob", "entered its values")}


def told(client: Client, world: World, act: str, **values: str) -> str:
    """Do it, and read what the page says after it."""
    send(client, url(world.end_user, act), why="unpaid bills", **values)
    return client.get(url(world.end_user)).content.decode()


def test_suspending_asks_at_which_platforms(console: Client, world: World, trail: Trail) -> None:
    other = elsewhere(world)
    form = console.get(url(world.end_user, "suspend")).context["form"]
    assert [words for _, words in form.fields["where"].choices] == [
        "At mindcloud only",
        "At all its platforms: mindcloud and staging",
    ]
    refused = send(console, url(world.end_user, "suspend"), why="unpaid bills")
    assert "choose where it is suspended" in refused.content.decode()
    assert "is suspended at mindcloud and staging." in told(console, world, "suspend", where="all")
    assert not EndUser.objects.filter(is_active=True).exists()
    lines = trail.all(action="end_user.suspended")
    assert {line.object_id for line in lines} == {str(world.end_user.pk), str(other.pk)}
    assert {line.detail["why"] for line in lines} == {"unpaid bills"}
    assert {plain_sentence(line).partition(" at ")[2] for line in lines} == {
        "mindcloud: unpaid bills",
        "staging: unpaid bills",
    }


def test_it_says_where_a_customer_stays_active(console: Client, world: World) -> None:
    other = elsewhere(world)
    page = told(console, world, "suspend", where="here")
    assert "is suspended at mindcloud. It stays active at staging." in page
    other.refresh_from_db()
    assert other.is_active
    assert "where" not in console.get(url(world.end_user, "resume")).context["form"].fields


def test_it_resumes_at_all_platforms(console: Client, world: World, trail: Trail) -> None:
    elsewhere(world)
    EndUser.objects.update(is_active=False)
    assert "is resumed at mindcloud and staging." in told(console, world, "resume", where="all")
    assert EndUser.objects.filter(is_active=True).count() == 2
    assert len(trail.all(action="end_user.resumed")) == 2


def test_a_platform_that_joined_meanwhile_is_shown_first(console: Client, world: World) -> None:
    page = url(world.end_user, "suspend")
    form_id = console.get(page).context["form_id"]
    elsewhere(world)
    answer = console.post(page, {"form_id": form_id, "why": "unpaid bills", "where": "all"})
    assert "It has changed since you opened this page" in answer.content.decode()
    assert EndUser.objects.filter(is_active=True).count() == 2
