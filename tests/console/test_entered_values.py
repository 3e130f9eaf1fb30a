"""Enter values that others have or had; give reasons that hold a key; suspend whoever has entered keys."""

import re

import pytest
from django.test import Client

from credservice.adminkit import links
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, start_issue
from credservice.vendor_api.tokens import create_token
from exchange.models import EndUser, Grant, Platform
from exchange.services.grants import new_secret_set
from tests.conftest import Trail
from tests.support.console import CANARY, World
from tests.support.pages import ask_bulk, send, url

HOLDS_KEY = "This text holds a key. Describe it without the key."
BOTH = "Another customer has this value: each could act as the other."


@pytest.fixture
def other(world: World) -> EndUser:
    return EndUser.objects.create(platform=world.platform, end_user_id="eu_2", external_id="globex")


def enter(world: World, subject: str, value: str) -> Credential:
    return start_issue(policy=world.policy, context={}, subject=subject, actor="test", entered={"apiKey": value})


def grant_address(world: World, end_user: EndUser) -> str:
    return f"{url(Grant, 'add')}?integration={world.integration.pk}&end_user={end_user.pk}"


def errors(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def leak(credential: Credential) -> None:
    revoke(credential=credential, actor="test", reason="in a public repository", leaked=True)


def test_a_leaked_value_is_refused_at_its_field(console: Client, world: World, other: EndUser, trail: Trail) -> None:
    """Refuse it where it is entered for a grant, and where it replaces another; the trail says who saw it."""
    leak(world.credential)
    for address in (grant_address(world, other), url(enter(world, other.subject, "the-key-of-globex"), "replace")):
        answer = send(console, address, value_0=CANARY, overlap="policy", why="the new key")
        form = answer.context["form"]
        [told] = form.errors["value_0"]
        assert re.fullmatch(r"apiKey: this value was reported as leaked on 20\d\d-\d\d-\d\d\. Enter a new one\.", told)
        assert CANARY not in answer.content.decode()
        assert "confirmed" not in form.fields
    seen = trail.all(action="credential.recognised")
    assert [(line.object_id, line.actor) for line in seen] == [(str(world.credential.pk), "user:root")] * 2
    assert "the new key" in answer.content.decode()
    assert not Credential.objects.filter(predecessor__isnull=False).exists()
    assert send(console, address, value_0="a-new-key-of-globex", overlap="policy").status_code == 302


def test_a_value_of_another_customer_asks_for_a_tick(console: Client, world: World, other: EndUser) -> None:
    address = grant_address(world, other)
    asked = send(console, address, value_0=CANARY)
    assert BOTH in asked.content.decode()
    assert "Who has it: acme" in errors(asked.content.decode())
    tick = asked.context["form"].fields["confirmed"].widget.attrs["value"]
    form_id = asked.context["form_id"]
    again = console.post(address, {"form_id": form_id, "value_0": "a-third-key-of-somebody", "confirmed": tick})
    assert again.status_code == 302  # nobody else has that one
    Grant.objects.filter(end_user=other).delete()
    assert send(console, address, value_0=CANARY, confirmed=tick).status_code == 302


def test_the_tick_is_of_one_value(console: Client, world: World, other: EndUser) -> None:
    enter(world, "end_user:7a5e1f0e-0000-4000-8000-000000000000", "the-key-of-a-third")
    address = grant_address(world, other)
    tick = send(console, address, value_0=CANARY).context["form"].fields["confirmed"].widget.attrs["value"]
    answer = send(console, address, value_0="the-key-of-a-third", confirmed=tick)
    assert BOTH in answer.content.decode()
    assert not Grant.objects.filter(end_user=other).exists()


def test_the_same_customer_elsewhere_asks_nothing(console: Client, world: World, other: EndUser) -> None:
    Credential.objects.filter(pk=world.credential.pk).update(context={"external_id": "globex"})
    assert send(console, grant_address(world, other), value_0=CANARY).status_code == 302


def test_whoever_may_not_see_the_other_is_not_told_who(
    console: Client, world: World, other: EndUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = links.may_view
    monkeypatch.setattr(links, "may_view", lambda request, model: model is not EndUser and may(request, model))
    asked = send(
        console, url(enter(world, other.subject, "the-key-of-globex"), "replace"), value_0=CANARY, overlap="policy"
    )
    [text] = [asked.context["form"].fields["confirmed"].help_text]
    assert text == f"<div>{BOTH}</div>"


def test_trying_values_leaves_a_trace_and_has_a_limit(
    console: Client, world: World, other: EndUser, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credservice.credentials.admin.values.PER_MINUTE", 2)
    theirs = url(enter(world, other.subject, "the-key-of-globex"), "replace")
    send(console, theirs, value_0=CANARY, overlap="policy")
    assert trail.one(action="credential.recognised").object_id == str(world.credential.pk)
    send(console, theirs, value_0="a guess that hits nothing", overlap="none")
    refused = send(console, url(world.credential, "replace"), value_0=CANARY + "-", overlap="policy")
    assert "More than 2 requests in this minute" in refused.context["form"].non_field_errors()[0]


def test_a_reason_that_holds_a_key_is_refused(console: Client, world: World, trail: Trail) -> None:
    key = world.make_key().open()["API_KEY"]
    _, token = create_token(name="backend", scopes=["bulk:write"], actor="test")
    for held in (CANARY, key, token):
        answer = send(console, url(world.end_user, "suspend"), why=f"seen: GET /orders?key={held} HTTP/1.1")
        assert answer.context["form"].errors["why"] == [HOLDS_KEY]
    # As in the search: no guess at a key that hits is without a trace.
    lines = [line for line in trail.all() if line.action.endswith(".recognised")]
    assert [line.action.partition(".")[0] for line in lines] == ["credential", "credential", "service_token"]
    assert {line.actor for line in lines} == {"user:root"}
    assert not trail.all(action="end_user.suspended")
    assert send(console, url(world.end_user, "suspend"), why="its key was in a log").status_code == 302
    assert trail.one(action="end_user.suspended").detail["why"] == "its key was in a log"


def test_a_signing_secret_is_a_key_as_well(console: Client, world: World) -> None:
    Credential.objects.all().update(value_digests=[])
    answer = send(console, url(world.platform, "suspend"), why=f"secret={CANARY}")
    assert answer.context["form"].errors["why"] == [HOLDS_KEY]


def test_the_name_of_a_holder_is_no_key(console: Client, world: World) -> None:
    policy = world.policy
    policy.options = {"names": ["userName", "password"]}
    policy.save()
    entered = {"userName": "acme-production", "password": "correct-horse-battery"}
    start_issue(policy=policy, context={}, subject=world.end_user.subject, actor="test", entered=entered)
    page = url(world.end_user, "suspend")
    assert send(console, page, why="correct-horse-battery of acme-production").context["form"].errors["why"]
    assert send(console, page, why="acme-production does not pay").status_code == 302


def test_the_field_says_how_long_a_reason_may_be(console: Client, world: World) -> None:
    help_text = console.get(url(world.end_user, "suspend")).context["form"].fields["why"].help_text
    assert help_text == "Kept in the audit trail. Write no secret here. At least 3 characters, at most 200."


def test_suspending_tells_which_keys_go_on_working(console: Client, world: World, other: EndUser) -> None:
    world.make_key()
    one = "1 entered key goes on working in your product until somebody ends it there."
    assert one in console.get(url(world.end_user, "suspend")).context["consequences"]
    assert "entered key" not in console.get(url(other, "suspend")).content.decode()
    enter(world, other.subject, "the-key-of-globex")
    page = console.get(ask_bulk(console, EndUser, "suspend", [world.end_user, other]))
    two = "2 entered keys go on working in your product until somebody ends them there."
    assert two in page.context["consequences"]
    for credential in Credential.objects.filter(policy=world.policy):
        revoke(credential=credential, actor="test", reason="the customer has left")
    assert "entered key" not in console.get(url(world.end_user, "suspend")).content.decode()


def test_it_tells_so_of_the_customers_other_platforms(console: Client, world: World, other: EndUser) -> None:
    platform = Platform.objects.create(name="staging", secrets=new_secret_set("staging"))
    EndUser.objects.filter(pk=other.pk).update(external_id="acme", platform=platform)
    enter(world, other.subject, "the-key-elsewhere")
    told = console.get(url(world.end_user, "suspend")).context["consequences"]
    assert told[-1].startswith("At its other platforms: 1 entered key goes on working")


def test_suspending_a_resource_tells_it(console: Client, world: World) -> None:
    enter(world, world.resource.subject, "a-key-of-the-resource")
    told = console.get(url(world.resource, "suspend")).context["consequences"]
    assert told[-1].startswith("1 entered key goes on working")
    page = console.get(ask_bulk(console, type(world.resource), "suspend", [world.resource]))
    assert told[-1] in page.context["consequences"]


def test_a_key_is_found_behind_names_that_many_share(console: Client, world: World) -> None:
    policy = CredentialPolicy.objects.create(name="pairs", issuer="static", options={"names": ["tenant", "apiKey"]})
    for n in range(20):
        values = {"tenant": "acme-production", "apiKey": f"the-key-number-{n:04}"}
        start_issue(policy=policy, context={}, subject=f"end_user:{n}", actor="test", entered=values)
    page = url(world.end_user, "suspend")
    assert send(console, page, why="acme-production leaked the-key-number-0000").context["form"].errors["why"] == [
        HOLDS_KEY
    ]
    assert send(console, page, why="acme-production leaked something").status_code == 302
