"""Rotations that the marketplace is asked for, and the swap that follows."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import Credential
from credservice.credentials.tasks import rotate_due
from provisioning.checker.connector.answers import Answer
from provisioning.manifold.connector import rotations
from provisioning.manifold.tasks import rotate
from provisioning.models import CredentialRotation, Marketplace, ResourceCredential
from provisioning.tasks import sweep
from tests.provisioning.conftest import new_id

State = CredentialRotation.State


def ask(binding, reason="The key was seen in a log"):
    return rotations.ask_rotation(resource_credential=binding, actor="user:ann", reason=reason)


def work(rotation):
    """As the worker does, when the pause is over."""
    CredentialRotation.objects.filter(pk=rotation.pk).update(next_attempt_at=timezone.now())
    rotate(pk=str(rotation.pk))
    rotation.refresh_from_db()
    return rotation.state


@pytest.fixture
def binding(door, market, resource_id, connector):
    credential_id = new_id()
    assert door.put(f"/v1/credentials/{credential_id}", body(credential_id, resource_id)).status_code == 201
    return ResourceCredential.objects.get(partner_id=credential_id)


def body(credential_id, resource_id):
    return {"id": credential_id, "resource_id": resource_id}


def test_the_marketplace_is_asked_once_and_acknowledges(binding, connector, trail):
    rotation = ask(binding)
    assert work(rotation) == State.ACKNOWLEDGED
    [(sent_id, sent)] = connector.rotations.items()
    assert (sent_id, json.loads(sent)["credential_id"]) == (rotation.partner_id, binding.partner_id)
    assert [line.actor for line in trail.all(action__startswith="credential_rotation.")] == ["user:ann", "worker"]


def test_the_swap_that_follows_ends_it(binding, connector, door, resource_id):
    rotation = ask(binding)
    work(rotation)
    successor = new_id()
    assert door.put(f"/v1/credentials/{successor}", body(successor, resource_id)).status_code == 201
    assert door.delete(f"/v1/credentials/{binding.partner_id}").status_code == 204
    sweep(0)
    rotation.refresh_from_db()
    assert rotation.state == State.DONE


def test_a_swap_before_it_was_sent_needs_no_asking(binding, connector, door):
    rotation = ask(binding)
    assert door.delete(f"/v1/credentials/{binding.partner_id}").status_code == 204
    assert work(rotation) == State.DONE
    assert not connector.rotations


@pytest.mark.parametrize("status", [0, 500, 503, 429])
def test_an_unwell_connector_is_asked_again_under_the_same_id(binding, connector, status):
    rotation = ask(binding)
    with connector.failing("/v1/credential-rotations", Answer(status)):
        assert work(rotation) == State.ASKING
    assert rotation.attempts == 1
    assert work(rotation) == State.ACKNOWLEDGED
    assert list(connector.rotations) == [rotation.partner_id]


def test_a_refusal_is_an_alarm_until_an_operator_asks_again(binding, connector):
    rotation = ask(binding)
    with connector.failing("/v1/credential-rotations", Answer(404)):
        states = [work(rotation) for _ in range(rotations.REFUSALS)]
    assert states[-2:] == [State.ASKING, State.REFUSED]
    rotations.ask_again(rotation=rotation, actor="user:ann")
    assert work(rotation) == State.ACKNOWLEDGED


def test_a_refused_token_is_replaced_at_once(binding, connector):
    first = ask(binding)
    work(first)
    connector.tokens._tokens.clear()
    rotations.close(rotation=first, actor="user:ann", reason="once more")
    assert work(ask(binding)) == State.ACKNOWLEDGED


def test_it_is_asked_for_once_at_a_time(binding, connector):
    ask(binding)
    with pytest.raises(Conflict, match="already"):
        ask(binding)


def test_a_credential_that_is_gone_is_not_rotated(binding, connector, door):
    door.delete(f"/v1/credentials/{binding.partner_id}")
    with pytest.raises(Conflict, match="gone"):
        ask(binding)


@pytest.mark.parametrize("reason", ["", "  x ", "x" * 257])
def test_a_reason_that_the_connector_would_not_take_is_refused(binding, connector, reason):
    with pytest.raises(Invalid, match="Say why"):
        ask(binding, reason)


def test_without_an_oauth_client_nobody_is_asked(binding, connector):
    Marketplace.objects.update(client_id="")
    with pytest.raises(Invalid, match="no OAuth client"):
        ask(ResourceCredential.objects.select_related("marketplace").get())


def test_a_suspended_marketplace_is_not_called(binding, connector):
    rotation = ask(binding)
    Marketplace.objects.update(is_active=False)
    assert work(rotation) == State.ASKING
    assert not connector.rotations


@pytest.fixture
def due(binding):
    Credential.objects.update(rotates_at=timezone.now() - timedelta(minutes=1))
    return binding


def test_a_schedule_asks_a_marketplace_that_swaps(due, connector):
    Marketplace.objects.update(rotates=True)
    rotate_due()
    rotate_due()
    assert CredentialRotation.objects.get().reason == "Scheduled rotation"
    assert Credential.objects.count() == 1


def test_otherwise_a_schedule_rotates_here(due, connector):
    rotate_due()
    assert not CredentialRotation.objects.exists()
    assert Credential.objects.count() == 2


def test_a_lost_job_is_found_by_the_sweep(binding, connector):
    from procrastinate.contrib.django.models import ProcrastinateJob

    rotation = ask(binding)
    jobs = ProcrastinateJob.objects.filter(task_name="provisioning.rotate")
    before = jobs.count()
    CredentialRotation.objects.filter(pk=rotation.pk).update(next_attempt_at=timezone.now() - timedelta(hours=1))
    sweep(0)
    assert jobs.count() == before + 1
