"""A credential's values: masked, shown and copied by a click, recorded each time."""

import pytest

from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate
from provisioning.checker.connector.answers import Answer
from provisioning.models import Resource, ResourceSession
from tests.provisioning.conftest import new_id, put_credential


@pytest.fixture
def credential(credential_id):
    return Credential.objects.get()


def value_of(credential):
    return credential.open()["BEAR_TOKEN"]


def test_no_value_is_in_the_page_before_the_click(signed_on, resource_id, credential):
    page = signed_on.open(resource_id).content.decode()
    assert "BEAR_TOKEN" in page
    assert credential.hint in page
    assert value_of(credential) not in page


def test_the_page_opens_nothing(signed_on, resource_id, credential, monkeypatch):
    def refuse(*_):
        raise AssertionError("opened")

    monkeypatch.setattr(Credential, "open", refuse)
    assert signed_on.open(resource_id).status_code == 200


def test_a_click_shows_the_values_and_is_recorded(signed_on, resource_id, credential, trail):
    response = signed_on.reveal(resource_id, credential, show="all")
    assert response.json() == {"values": {"BEAR_TOKEN": value_of(credential)}}
    assert response["Cache-Control"] == "no-store"
    event = trail.one(action="credential.revealed")
    assert (event.object_id, event.outcome) == (str(credential.pk), "granted")
    assert event.actor.startswith("marketplace_user:manifold:")
    assert event.subject == credential.subject


def test_copying_is_recorded_with_the_values_name(signed_on, resource_id, credential, trail):
    response = signed_on.reveal(resource_id, credential, copy="BEAR_TOKEN")
    assert response.json() == {"values": {"BEAR_TOKEN": value_of(credential)}}
    assert trail.one(action="credential.copied").detail["value"] == "BEAR_TOKEN"


def test_without_a_script_the_values_are_on_a_page_of_their_own(signed_on, resource_id, credential):
    response = signed_on.reveal(resource_id, credential, show="all", accept="text/html")
    assert f"<code>{value_of(credential)}</code>" in response.content.decode()
    assert response["Cache-Control"] == "no-store"


def test_it_is_not_shown_by_a_link(signed_on, resource_id, credential):
    response = signed_on.client.get(f"/resources/{resource_id}/credentials/{credential.pk}")
    assert (response.status_code, response["Location"]) == (303, f"/resources/{resource_id}")


def test_it_is_not_shown_to_another_sites_form(signed_on, resource_id, credential, trail):
    path = f"/resources/{resource_id}/credentials/{credential.pk}"
    response = signed_on.client.post(path, {"show": "all"}, HTTP_ACCEPT="application/json")
    assert response.status_code == 401
    assert trail.all(action="credential.revealed") == []


def test_it_is_not_shown_without_a_session(client, connector, resource_id, credential):
    assert client.post(f"/resources/{resource_id}/credentials/{credential.pk}").status_code == 401


def test_another_resources_credential_is_not_there(signed_on, door, resource_id, other_id, trail):
    theirs = new_id()
    assert put_credential(door, theirs, other_id).status_code == 201
    credential = Credential.objects.get(subject=Resource.objects.get(partner_id=other_id).subject)
    assert signed_on.reveal(resource_id, credential, show="all").status_code == 404
    assert trail.all(action="credential.revealed") == []


def test_a_value_of_another_name_is_not_there(signed_on, resource_id, credential, trail):
    response = signed_on.reveal(resource_id, credential, copy="OTHER")
    assert (response.status_code, list(response.json())) == (404, ["message"])
    assert trail.all(action="credential.copied") == []


def test_it_is_shown_only_to_whom_the_marketplace_lets_in_now(signed_on, connector, resource_id, credential, trail):
    connector.tokens.revoke(connector.tokens.exchanges[-1].token)
    assert signed_on.reveal(resource_id, credential, show="all").status_code == 401
    assert not ResourceSession.objects.exists()
    assert trail.all(action="credential.revealed") == []


def test_it_is_not_shown_while_the_marketplace_cannot_be_asked(signed_on, connector, resource_id, credential):
    with connector.failing("/v1/resources", Answer(500)):
        response = signed_on.reveal(resource_id, credential, show="all")
    assert response.status_code == 503
    assert "cannot be asked now" in response.json()["message"]
    assert ResourceSession.objects.exists()


def test_a_suspended_resource_shows_no_value(signed_on, resource_id, credential):
    Resource.objects.update(state="suspended")
    assert "Show" not in signed_on.open(resource_id).content.decode().split("Credentials")[1].split("Usage")[0]
    assert signed_on.reveal(resource_id, credential, show="all").status_code == 409


def test_a_rotated_credential_shows_both_until_the_old_one_ends(signed_on, resource_id, credential):
    successor = rotate(credential=credential, actor="test")
    page = signed_on.open(resource_id).content.decode()
    assert credential.hint in page
    assert successor.hint in page
    assert "good until" in page
    assert signed_on.reveal(resource_id, successor, show="all").json() == {"values": successor.open()}


def test_an_ended_credential_is_gone(signed_on, resource_id, credential):
    revoke(credential=credential, actor="test", reason="over")
    assert "There are none yet" in signed_on.open(resource_id).content.decode()
    assert signed_on.reveal(resource_id, credential, show="all").status_code == 404
