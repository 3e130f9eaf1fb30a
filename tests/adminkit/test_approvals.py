"""A second person's approval: who may give it, what for, how long, how often."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from credservice.adminkit.approvals import approvals_waiting
from credservice.adminkit.models import Approval, BulkRun, FourEyes
from credservice.credentials.models import Credential
from tests.conftest import Trail
from tests.support.console import CANARY, PASSWORD, World
from tests.support.pages import ask_bulk, run_bulk, send, url

ASK = {"why": "support case 4711"}
PROVE = {"password": PASSWORD}


@pytest.fixture(autouse=True)
def switched_on(db: None) -> None:
    FourEyes.objects.update(reveal=True, bulk_revoke=True)


def signed_in(name: str, role: str) -> Client:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def asker(db: None) -> Client:
    return signed_in("asker", "Secrets manager")


@pytest.fixture
def second(db: None) -> Client:
    return signed_in("second", "Secrets manager")


def asked(client: Client, world: World) -> Approval:
    assert send(client, url(world.credential, "reveal"), **ASK).status_code == 302
    return Approval.objects.get(state="waiting")


def test_a_reveal_waits_for_another_person(asker: Client, world: World, trail: Trail) -> None:
    approval = asked(asker, world)
    page = asker.get(url(world.credential, "reveal")).content.decode()
    assert "It waits for another person" in page
    assert CANARY not in asker.post(url(world.credential, "reveal"), ASK | PROVE).content.decode()
    assert approval.values == ASK
    assert trail.one(action="approval.asked").actor == "user:asker"


def test_approved_it_is_shown_once(asker: Client, second: Client, world: World, trail: Trail) -> None:
    send(second, url(asked(asker, world), "approve"), why="")
    assert CANARY in send(asker, url(world.credential, "reveal"), **PROVE).content.decode()
    assert CANARY not in send(asker, url(world.credential, "reveal"), **PROVE, **ASK).content.decode()
    assert trail.one(action="approval.approved").actor == "user:second"
    assert trail.one(action="approval.used").detail["approved_by"] == "second"
    assert trail.one(action="credential.revealed").detail["why"] == ASK["why"]


def test_another_reason_is_not_smuggled_in(asker: Client, second: Client, world: World, trail: Trail) -> None:
    send(second, url(asked(asker, world), "approve"), why="")
    send(asker, url(world.credential, "reveal"), **PROVE, why="something else")
    assert trail.one(action="credential.revealed").detail["why"] == ASK["why"]


def test_nobody_approves_his_own(asker: Client, world: World) -> None:
    approval = asked(asker, world)
    assert asker.get(url(approval, "approve")).status_code == 403
    assert asker.post(url(approval, "approve"), {"why": ""}).status_code == 403
    assert url(approval, "approve") not in asker.get(url(approval)).content.decode()
    approval.refresh_from_db()
    assert approval.state == "waiting"


@pytest.mark.parametrize("role", ["Operator", "Auditor", "Viewer"])
def test_only_who_may_do_it_approves(asker: Client, world: World, role: str) -> None:
    approval = asked(asker, world)
    assert signed_in("other", role).post(url(approval, "approve"), {"why": ""}).status_code == 403


def test_declined_it_is_not_shown(asker: Client, second: Client, world: World, trail: Trail) -> None:
    send(second, url(asked(asker, world), "decline"), why="ask the customer")
    page = send(asker, url(world.credential, "reveal"), **PROVE, **ASK)
    assert page.status_code == 302
    assert trail.one(action="approval.declined").detail["answer"] == "ask the customer"
    assert not trail.all(action="credential.revealed")


def test_an_approval_is_of_one_object(asker: Client, second: Client, world: World) -> None:
    send(second, url(asked(asker, world), "approve"), why="")
    other = world.make_credential()
    assert "needs a second person" in asker.get(url(other, "reveal")).content.decode()
    assert CANARY not in asker.post(url(other, "reveal"), ASK | PROVE).content.decode()


def test_an_approval_is_of_one_person(asker: Client, second: Client, world: World) -> None:
    send(second, url(asked(asker, world), "approve"), why="")
    third = signed_in("third", "Secrets manager")
    assert "needs a second person" in third.get(url(world.credential, "reveal")).content.decode()


@pytest.mark.parametrize("state", ["waiting", "approved"])
def test_its_time_is_an_hour(asker: Client, second: Client, world: World, state: str) -> None:
    approval = asked(asker, world)
    if state == "approved":
        send(second, url(approval, "approve"), why="")
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "is over" in second.get(url(approval, "approve")).content.decode()
    assert CANARY not in send(asker, url(world.credential, "reveal"), **PROVE, **ASK).content.decode()


def test_an_approver_who_lost_his_role_has_approved_nothing(asker: Client, second: Client, world: World) -> None:
    send(second, url(asked(asker, world), "approve"), why="")
    User.objects.get(username="second").groups.clear()
    page = send(asker, url(world.credential, "reveal"), **PROVE).content.decode()
    assert "A second person must approve this first" in page
    assert CANARY not in page


def test_a_bulk_revocation_waits_for_another_person(asker: Client, second: Client, world: World, trail: Trail) -> None:
    keys = [world.make_key(), world.make_key()]
    address = ask_bulk(asker, Credential, "revoke", keys)
    send(asker, address, why="a leaked backup", predecessors="on")
    assert not Credential.objects.filter(state="revoked").exists()
    send(second, url(Approval.objects.get(), "approve"), why="")
    send(asker, address, why="another reason")
    assert Credential.objects.filter(pk__in=[key.pk for key in keys], state="revoked").count() == 2
    assert {line.detail["why"] for line in trail.all(action="credential.revoked")} == {"a leaked backup"}


def test_who_decides_a_bulk_revocation_sees_what_the_asker_saw(asker: Client, second: Client, world: World) -> None:
    keys = [world.credential, world.make_key()]
    address = ask_bulk(asker, Credential, "revoke", keys)
    told = asker.get(address).context["consequences"][1:]  # without what a second person is for
    send(asker, address, why="contract ended", leaked="on", predecessors="on")
    page = second.get(url(Approval.objects.get(), "approve"))
    sentences = page.context["consequences"]
    assert sentences[0].endswith("asks for: Revoke 2 credentials.")
    assert "The reason: contract ended" in sentences
    assert {"It has leaked: yes.", "End its predecessors too: yes."} <= {*sentences}
    assert any("1 installation" in sentence for sentence in told)
    assert {*told} <= {*sentences}
    (listed,) = [sentence for sentence in sentences if sentence.startswith("These are meant: ")]
    titles = [console_page.context["header"].title for console_page in (second.get(url(key)) for key in keys)]
    assert all(title in listed for title in titles)


def test_a_runs_page_lists_what_became_of_each(console: Client, world: World) -> None:
    keys = [world.make_key(), world.make_key()]
    FourEyes.objects.update(bulk_revoke=False)
    run_bulk(console, Credential, "revoke", keys, why="contract ended")
    page = console.get(url(BulkRun.objects.get())).content.decode()
    assert page.count("<td>done</td>") == 2
    assert all(url(key) in page for key in keys)


def test_one_revocation_waits_for_nobody(asker: Client, world: World) -> None:
    send(asker, url(world.credential, "revoke"), why="it was in a screenshot")
    assert Credential.objects.get(pk=world.credential.pk).state == "revoked"


@pytest.mark.parametrize("decision", ["approve", "decline"])
def test_who_asked_is_told_on_the_overview(asker: Client, second: Client, world: World, decision: str) -> None:
    approval = asked(asker, world)
    assert "Your request was" not in asker.get("/admin/").content.decode()
    send(second, url(approval, decision), why="as agreed")
    page = asker.get("/admin/").content.decode()
    assert f"Your request was {decision}d" in page
    assert url(approval) in page
    assert "Your request was" not in second.get("/admin/").content.decode()
    if decision == "approve":
        send(asker, url(world.credential, "reveal"), **PROVE)
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Your request was" not in asker.get("/admin/").content.decode()


def test_it_waits_for_who_can_decide(asker: Client, second: Client, world: World) -> None:
    approval = asked(asker, world)
    assert approvals_waiting(User.objects.get(username="second")) == [approval]
    assert approvals_waiting(User.objects.get(username="asker")) == []
    assert "waiting for a second person" in second.get("/admin/").content.decode()
    for nobody in (asker, signed_in("operator", "Operator")):
        assert "waiting for a second person" not in nobody.get("/admin/").content.decode()


def test_its_page_says_who_decides_it(asker: Client, second: Client, world: World) -> None:
    approval = asked(asker, world)
    assert "you have asked for it yourself" in asker.get(url(approval)).content.decode()
    page = signed_in("operator", "Operator").get(url(approval)).content.decode()
    assert "somebody who may do the same: your account may not" in page
    assert "who may do the same" not in second.get(url(approval)).content.decode()
    send(second, url(approval, "decline"), why="no such case")
    assert "you have asked for it yourself" not in asker.get(url(approval)).content.decode()


def test_the_setting_cannot_be_switched_off(console: Client, settings: object, world: World) -> None:
    FourEyes.objects.update(reveal=False, bulk_revoke=False)
    settings.FOUR_EYES = ["reveal"]  # type: ignore[attr-defined]
    assert "needs a second person" in console.get(url(world.credential, "reveal")).content.decode()
    row = FourEyes.objects.get()
    assert "by the setting FOUR_EYES" in console.get(url(row)).content.decode()
    console.post(url(row), {"bulk_revoke": "on"})
    row.refresh_from_db()
    assert (row.reveal, row.bulk_revoke) == (False, True)


def test_switching_it_is_recorded(console: Client, trail: Trail) -> None:
    console.post(url(FourEyes.objects.get()), {"reveal": "on"})
    assert trail.one(action="four_eyes.changed").detail["changes"] == {"bulk_revoke": {"from": True, "to": False}}
