"""A binding or a session that was changed in the database shows nothing of others, and sends no token elsewhere."""

import pytest
from django.utils import timezone

from credservice.credentials.models import Credential
from credservice.crypto import seal
from provisioning import tasks
from provisioning.checker.connector import Client, Connector
from provisioning.models import Marketplace, Resource, ResourceCredential, ResourceSession
from tests.provisioning.conftest import new_id, put_credential


@pytest.fixture
def others(door, other_id, credential_id):
    """The credential of another resource, to which this one's binding is led."""
    partner_id = new_id()
    assert put_credential(door, partner_id, other_id).status_code == 201
    credential = Credential.objects.get(subject=Resource.objects.get(partner_id=other_id).subject)
    ResourceCredential.objects.filter(partner_id=partner_id).delete()
    ResourceCredential.objects.filter(partner_id=credential_id).update(credential=credential)
    return credential


def test_the_page_shows_nothing_of_another_resources_credential(signed_on, resource_id, others):
    assert others.hint not in signed_on.open(resource_id).content.decode()


def test_nor_does_a_click(signed_on, resource_id, others, trail):
    answer = signed_on.reveal(resource_id, others, show="all")
    (value,) = others.open().values()
    assert (answer.status_code, value in answer.content.decode()) == (404, False)
    assert trail.one(action="resource_page.reveal").outcome == "refused"
    assert trail.all(action="credential.revealed") == []


@pytest.fixture
def elsewhere(signed_on):
    """Another connector, which the marketplace's row names by now."""
    with Connector(0, Client()) as connector:
        Marketplace.objects.update(connector_url=connector.url)
        yield connector


def test_a_users_token_goes_to_no_other_connector(signed_on, resource_id, elsewhere, trail):
    assert signed_on.open(resource_id).status_code == 401
    assert elsewhere.seen == []
    assert trail.one(action="sso.ended").outcome == "done"
    assert trail.one(outcome="refused").reason == "token_does_not_open"
    assert not ResourceSession.objects.exists()


def test_nor_for_a_click(signed_on, resource_id, credential_id, elsewhere):
    assert signed_on.reveal(resource_id, Credential.objects.get(), show="all").status_code == 401
    assert elsewhere.seen == []


def test_a_session_given_another_resource_is_over(signed_on, resource_id, other_id, trail):
    ResourceSession.objects.update(resource=Resource.objects.get(partner_id=other_id))
    signed_on.client.cookies[f"credservice-resource-{other_id}"] = signed_on.cookie.value
    assert signed_on.open(other_id).status_code == 401
    assert trail.one(outcome="refused").reason == "token_does_not_open"


def test_a_session_given_to_another_browser_is_over(signed_on, resource_id, connector, trail):
    """Keep who has a session of their own from taking over another's by its digest."""
    theirs = ResourceSession.objects.get()
    mine = ResourceSession(resource=theirs.resource, digest=b"mine", expires_at=theirs.expires_at)
    mine.sealed_token = seal(b"my own token", mine.place)
    mine.save()
    digest = theirs.digest
    ResourceSession.objects.filter(pk=theirs.pk).update(digest=b"gone")
    ResourceSession.objects.filter(pk=mine.pk).update(digest=digest)
    assert signed_on.open(resource_id).status_code == 401
    assert trail.one(outcome="refused").reason == "token_does_not_open"


def test_what_is_left_of_a_session_is_deleted_when_it_has_ended(signed_on):
    tasks.sweep(timestamp=0)
    assert ResourceSession.objects.exists()
    ResourceSession.objects.update(expires_at=timezone.now())
    tasks.sweep(timestamp=0)
    assert not ResourceSession.objects.exists()
