"""Requests that come while an operation of the same thing runs, and those that never become one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import tasks
from provisioning.models import Callback, Operation, Resource
from tests.provisioning.conftest import new_id, order, put_credential
from tests.provisioning.manifold.connector.conftest import work


def test_the_same_order_again_keeps_the_newest_callback(ask):
    resource_id = new_id()
    first, second = ask.put_resource(resource_id), ask.put_resource(resource_id)
    assert (first.status_code, second.status_code, Operation.objects.count()) == (202, 202, 1)
    work()
    assert (first.callback.attempts, second.callback.attempts) == (0, 1)
    assert set(Callback.objects.values_list("state", flat=True)) == {"closed", "delivered"}


def test_the_same_credential_again_keeps_the_newest_callback(ask, ready_id):
    credential_id = new_id()
    first, second = (ask.put_credential(credential_id, ready_id) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    work()
    assert (first.callback.attempts, second.callback.content["state"]) == (0, "done")


def test_the_same_callback_again_is_kept(ask):
    resource_id, callback_id = new_id(), new_id()
    for _ in range(2):
        answer = ask.send("PUT", f"/v1/resources/{resource_id}", order(resource_id), callback_id=callback_id)
        assert answer.status_code == 202
    work()
    assert (Callback.objects.get().state, answer.callback.attempts) == ("delivered", 1)


def test_the_callback_of_something_else_is_a_conflict(ask):
    first, second, callback_id = new_id(), new_id(), new_id()
    ask.send("PUT", f"/v1/resources/{first}", order(first), callback_id=callback_id)
    answer = ask.send("PUT", f"/v1/resources/{second}", order(second), callback_id=callback_id)
    assert (answer.status_code, Resource.objects.count()) == (409, 1)


@pytest.mark.parametrize("verb", ["patch", "delete", "credential", "other_order"])
def test_another_request_while_a_resource_is_provisioned_is_a_conflict(ask, verb):
    resource_id = new_id()
    ask.put_resource(resource_id)
    answer = {
        "patch": lambda: ask.patch(resource_id, "ursa-major"),
        "delete": lambda: ask.delete("resources", resource_id),
        "credential": lambda: ask.put_credential(new_id(), resource_id),
        "other_order": lambda: ask.put_resource(resource_id, plan="ursa-major"),
    }[verb]()
    assert (answer.status_code, Operation.objects.count()) == (409, 1)


def test_a_change_to_the_same_plan_while_it_runs_is_the_same_and_to_another_a_conflict(ask, ready_id):
    assert ask.patch(ready_id, "ursa-major").status_code == 202
    assert ask.patch(ready_id, "ursa-major").status_code == 202
    assert ask.patch(ready_id, "ursa-minor").status_code == 409
    assert ask.delete("resources", ready_id).status_code == 409
    assert ask.put_resource(ready_id).status_code == 201


def test_a_delete_while_its_credential_is_made_is_a_conflict(ask, ready_id):
    credential_id = new_id()
    ask.put_credential(credential_id, ready_id)
    assert ask.delete("credentials", credential_id).status_code == 409


def test_what_changes_nothing_is_never_queued(ask, ready_id):
    answer = ask.patch(ready_id, "ursa-minor")
    assert (answer.status_code, Operation.objects.count()) == (200, 1)


@pytest.mark.parametrize("wrong", [{"product": "cow"}, {"plan": "no-plan"}, {"region": "no::where"}])
def test_what_is_not_offered_is_refused_at_once(ask, wrong):
    assert ask.put_resource(new_id(), **wrong).status_code == 400
    assert not Operation.objects.exists()


def test_unknown_ids_are_refused_at_once(ask):
    assert ask.patch(new_id(), "ursa-minor").status_code == 404
    assert ask.delete("resources", new_id()).status_code == 404
    assert ask.put_credential(new_id(), new_id()).status_code == 404
    assert not Operation.objects.exists()


def test_slow_work_without_a_callback_is_refused_and_leaves_nothing(ask, door, ready_id):
    resource_id = new_id()
    for answer in (
        door.put(f"/v1/resources/{resource_id}", order(resource_id)),
        put_credential(door, new_id(), ready_id),
        door.delete(f"/v1/resources/{ready_id}"),
    ):
        assert (answer.status_code, "X-Callback-ID" in answer.json()["message"]) == (400, True)
    assert (Resource.objects.get().state, Operation.objects.count()) == ("active", 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1/callbacks/x",
        "http://localhost:1/v1/callbacks/x",
        "https://connector.example/v1/callbacks/x",
        "{base}/../callbacks/x",
        "{base}/%2e%2e/x",
        "{base}",
        "{base}evil/x",
        "{origin}/v2/callbacks/x",
        "http://user@{host}/v1/callbacks/x",
        "not a url",
    ],
)
def test_a_callback_elsewhere_than_at_the_connector_is_refused(ask, connector, url):
    host = connector.url.removeprefix("http://").removesuffix("/v1")
    url = url.format(base=connector.url, origin=f"http://{host}", host=host)
    resource_id = new_id()
    answer = ask.send("PUT", f"/v1/resources/{resource_id}", order(resource_id), url=url)
    assert (answer.status_code, Resource.objects.count()) == (400, 0)
    assert "X-Callback-URL" in answer.json()["message"]


def test_after_24_hours_nobody_awaits_a_provision_and_the_order_starts_it_anew(ask, vendor_endpoint):
    resource_id = new_id()
    first = ask.put_resource(resource_id)
    later()
    assert (Operation.objects.get().state, Callback.objects.get().state) == ("abandoned", "expired")
    again = ask.put_resource(resource_id)
    work()
    assert (again.status_code, again.callback.content["state"], first.callback.attempts) == (202, "done", 0)


def test_after_24_hours_a_removal_still_goes_on(ask, ready_id, vendor_endpoint):
    ask.delete("resources", ready_id)
    later()
    assert Operation.objects.get(verb="deprovision").is_live()
    again = ask.delete("resources", ready_id)
    work()
    assert (again.status_code, again.callback.content["state"]) == (202, "done")


def later():
    """The sweep, a day on."""
    Callback.objects.update(requested_at=timezone.now() - timedelta(hours=24))
    Operation.objects.update(created_at=timezone.now() - timedelta(hours=24))
    tasks.sweep(timestamp=0)
