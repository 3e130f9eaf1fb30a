"""Another customer for an end user: by an act of its own, which ends what was made for the one before."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from credservice.adminkit.models import Approval, FourEyes
from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import Credential
from exchange.models import EndUser, Grant
from exchange.services.rebinding import rebind_end_user
from tests.conftest import Trail
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.exchange_factories import Door, make_door
from tests.support.pages import send, url

ASK = {"external_id": "globex", "why": "the contract was assigned"}


def now(world: World) -> EndUser:
    return EndUser.objects.get(pk=world.end_user.pk)


def test_it_ends_what_the_customer_before_had(world: World, trail: Trail) -> None:
    loose = world.make_key()
    assert send(role_client("Secrets manager"), url(world.end_user, "rebind"), **ASK).status_code == 302
    assert now(world).external_id == "globex"
    assert not Grant.objects.exists()
    ended = Credential.objects.filter(subject=world.end_user.subject)
    assert {credential.pk for credential in ended} >= {world.credential.pk, loose.pk}
    assert {credential.state for credential in ended} == {"revoked"}
    line = trail.one(action="end_user.rebound")
    assert line.detail["external_id"] == {"from": "acme", "to": "globex"}
    assert (line.detail["why"], line.detail["credentials"]) == (ASK["why"], 3)


def test_it_names_a_few_of_the_credentials_that_would_end(world: World) -> None:
    manager = role_client("Secrets manager")
    made = [world.make_key() for _ in range(6)]
    (told,) = [
        text for text in manager.get(url(world.end_user, "rebind")).context["consequences"] if "These end" in text
    ]
    assert [url(key) in told for key in [*reversed(made), world.credential]] == [True] * 5 + [False] * 2
    assert told.endswith("and 3 more.")
    Credential.objects.update(state="revoked")
    assert "No credential of it is live: none ends." in manager.get(url(world.end_user, "rebind")).content.decode()


def test_what_is_made_next_is_made_for_the_new_one(client: Client, db: None) -> None:
    """Also where the last token had expired by itself: its successor would be made for the customer before."""
    door: Door = make_door(client)
    door.generate()
    assert door.post().status_code == 200
    Credential.objects.update(state="expired", ended_at=timezone.now() - timedelta(minutes=1))
    rebind_end_user(end_user=door.end_user, external_id="globex", actor="test", reason="assigned")
    assert door.post().status_code == 200
    assert Credential.objects.latest("created_at").context["external_id"] == "globex"


def test_it_asks_for_a_recent_proof(world: World, settings: object) -> None:
    client = role_client("Secrets manager")
    settings.PROOF_SECONDS = 0  # type: ignore[attr-defined]
    answer = client.post(url(world.end_user, "rebind"), ASK)
    assert "Nothing is saved yet" in answer.content.decode()
    assert now(world).external_id == "acme"


def test_it_waits_for_a_second_person_where_reveals_do(world: World) -> None:
    FourEyes.objects.update(reveal=True)
    asker, second = role_client("Secrets manager"), User.objects.create_user("second", is_staff=True)
    second.groups.add(Group.objects.get(name="Secrets manager"))
    send(asker, url(world.end_user, "rebind"), **ASK)
    assert now(world).external_id == "acme"
    decider = Client()
    decider.force_login(second)
    page = url(Approval.objects.get(), "approve")
    assert any(told.endswith(": globex.") for told in decider.get(page).context["consequences"])
    send(decider, page, why="")
    send(asker, url(world.end_user, "rebind"), external_id="another", why="another reason")
    assert now(world).external_id == "globex"


@pytest.mark.parametrize("external_id", ["", " globex", "glo\u200bbex", "x" * 256])
def test_an_unfit_id_is_refused(world: World, external_id: str) -> None:
    with pytest.raises(Invalid):
        rebind_end_user(end_user=world.end_user, external_id=external_id, actor="test", reason="assigned")


def test_it_needs_a_reason(world: World) -> None:
    with pytest.raises(Invalid, match="Say why"):
        rebind_end_user(end_user=world.end_user, external_id="globex", actor="test", reason=" ")


@pytest.mark.parametrize("taken", ["acme", "globex"])
def test_a_customer_that_is_there_already_is_refused(world: World, taken: str) -> None:
    EndUser.objects.create(platform=world.platform, end_user_id="eu_2", external_id="globex")
    with pytest.raises(Conflict):
        rebind_end_user(end_user=world.end_user, external_id=taken, actor="test", reason="assigned")
    world.credential.refresh_from_db()
    assert world.credential.state == "active"


@pytest.mark.parametrize(("name", "value"), [("external_id", "globex"), ("external_id", ""), ("end_user_id", "eu_2")])
def test_the_model_takes_no_other_id(world: World, name: str, value: str) -> None:
    end_user = now(world)
    setattr(end_user, name, value)
    with pytest.raises(ValidationError, match="never changes"):
        end_user.clean()


def test_the_first_id_is_taken(world: World) -> None:
    EndUser.objects.create(platform=world.platform, end_user_id="eu_2")
    end_user = EndUser.objects.get(end_user_id="eu_2")
    end_user.external_id = "globex"
    end_user.clean()


def test_nobody_edits_it_not_even_an_administrator(console: Client, world: World) -> None:
    send(console, url(world.end_user), name="Acme", external_id="globex", attributes="{}")
    assert (now(world).name, now(world).external_id) == ("Acme", "acme")
