"""Slow work: 202 at once, the worker does it, the callback tells it."""

import json

import pytest

from credservice.credentials.models import Credential
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from provisioning.models import Callback, Operation, Resource
from tests.provisioning.conftest import new_id
from tests.provisioning.manifold.connector.conftest import jobs, operate_all, work
from tests.support.http_server import http_server, make_certificate


def accepted(answer):
    assert answer.status_code == 202, answer.content
    assert 3 <= len(answer.json()["message"]) <= 255
    return answer.callback


def test_a_resource_is_provisioned_by_callback(ask, vendor_endpoint):
    resource_id = new_id()
    callback = accepted(ask.put_resource(resource_id))
    assert Resource.objects.get().state == "provisioning"
    work()
    assert callback.content == {"state": "done", "message": "bear is ready, on the plan ursa-minor."}
    assert vendor_endpoint.told[0]["type"] == "resource.provision"
    assert vendor_endpoint.told[0]["resource"] == resource_id
    assert ask.put_resource(resource_id).status_code == 201


def test_no_address_is_called_that_issuers_may_not_call(ask, vendor_endpoint, settings, tmp_path):
    """Answer at it as well as any other would: what keeps the worker away is the address alone."""
    context, settings.OUTGOING_CA = make_certificate(tmp_path, "127.0.0.1")
    with http_server(vendor_endpoint, context) as server:
        settings.PROVISIONERS = {"vendor": settings.PROVISIONERS["vendor"] | {"url": server.url}}
        accepted(ask.put_resource(new_id()))
        settings.OUTGOING_ALLOWED_NETWORKS = []
        operate_all()
        assert (server.received, Resource.objects.get().state) == ([], "provisioning")
        assert "127.0.0.1" in Operation.objects.get().failure
        settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
        operate_all()
        assert (len(server.received), Resource.objects.get().state) == (1, "active")


def test_a_plan_is_changed_by_callback(ask, ready_id, vendor_endpoint):
    callback = accepted(ask.patch(ready_id, "ursa-major"))
    assert Resource.objects.get().plan.label == "ursa-minor"
    work()
    assert (callback.content["state"], Resource.objects.get().plan.label) == ("done", "ursa-major")
    assert (vendor_endpoint.told[-1]["plan"], vendor_endpoint.told[-1]["from_plan"]) == ("ursa-major", "ursa-minor")


def test_a_credential_is_provisioned_by_callback_and_asked_for_again_at_once(ask, ready_id):
    credential_id = new_id()
    callback = accepted(ask.put_credential(credential_id, ready_id))
    work()
    assert callback.content["credentials"] == {"TOKEN": "token-0"}
    again = ask.put_credential(credential_id, ready_id)
    assert (again.status_code, again.json()["credentials"]) == (201, {"TOKEN": "token-0"})


def test_a_credential_is_deprovisioned_by_callback(ask, ready_id, issuer):
    credential_id = new_id()
    ask.put_credential(credential_id, ready_id)
    work()
    callback = accepted(ask.delete("credentials", credential_id))
    work()
    assert (callback.content["state"], issuer.made) == ("done", {})
    assert ask.delete("credentials", credential_id).status_code == 404
    assert ask.put_credential(credential_id, ready_id).status_code == 409


def test_a_resource_is_deprovisioned_by_callback_with_its_credentials(ask, ready_id, issuer, vendor_endpoint):
    ask.put_credential(new_id(), ready_id)
    work()
    callback = accepted(ask.delete("resources", ready_id))
    assert Resource.objects.get().state == "deprovisioning"
    work()
    assert (callback.content["state"], issuer.made) == ("done", {})
    assert (Resource.objects.get().state, vendor_endpoint.told[-1]["type"]) == ("deprovisioned", "resource.deprovision")
    assert ask.delete("resources", ready_id).status_code == 404
    assert ask.put_resource(ready_id).status_code == 409


@pytest.mark.parametrize("later", [(202, {}), (503, {}), (401, {}), (409, {})])
def test_while_the_vendor_is_at_work_it_is_asked_again(ask, vendor_endpoint, later):
    vendor_endpoint.answers = [later] * 3
    callback = accepted(ask.put_resource(new_id()))
    work()
    operation = Operation.objects.get()
    if operation.is_live():
        assert (operation.attempts, callback.body) == (1, None)
        vendor_endpoint.answers = []
        work()
    assert callback.content["state"] == "done"
    assert len({told["id"] for told in vendor_endpoint.told}) == 1


def test_what_the_vendor_refuses_is_told_as_an_error_and_answered_the_same_again(ask, vendor_endpoint):
    vendor_endpoint.answers = [(422, {"message": "No more whales."})]
    resource_id = new_id()
    callback = accepted(ask.put_resource(resource_id))
    work()
    assert callback.content == {"state": "error", "message": "No more whales."}
    again = ask.put_resource(resource_id)
    assert (again.status_code, again.json()["message"]) == (400, "No more whales.")
    assert ask.delete("resources", resource_id).status_code == 404


def test_a_plan_change_that_the_vendor_refuses_leaves_the_plan_as_it_is(ask, ready_id, vendor_endpoint):
    vendor_endpoint.answers = [(422, {})]
    callback = accepted(ask.patch(ready_id, "ursa-major"))
    work()
    assert (callback.content["state"], Resource.objects.get().plan.label) == ("error", "ursa-minor")
    assert accepted(ask.patch(ready_id, "ursa-major"))


def test_a_credential_that_cannot_be_made_is_an_error_and_uses_its_id_up(ask, ready_id, issuer):
    issuer.trouble = IssueFailed("quota")
    credential_id = new_id()
    callback = accepted(ask.put_credential(credential_id, ready_id))
    work()
    assert (callback.content["state"], "credentials" in callback.content) == ("error", False)
    assert ask.put_credential(credential_id, ready_id).status_code == 400


def test_while_the_issuer_is_away_the_operation_waits(ask, ready_id, issuer):
    issuer.trouble = IssuerUnavailable("away")
    callback = accepted(ask.put_credential(new_id(), ready_id))
    work()
    assert callback.body is None
    issuer.trouble = None
    work()
    assert callback.content["state"] == "done"


def test_a_resource_that_ends_ends_the_making_of_its_credentials(ask, ready_id, issuer):
    callback = accepted(ask.put_credential(new_id(), ready_id))
    accepted(ask.delete("resources", ready_id))
    for _ in range(2):
        work()
    assert (callback.content["state"], issuer.made) == ("error", {})
    assert not Credential.objects.unended().exists()


def test_jobs_and_rows_hold_no_value(ask, ready_id):
    callback = accepted(ask.put_credential(new_id(), ready_id))
    operation = Operation.objects.filter(resource_credential__isnull=False).get()
    from provisioning import tasks

    tasks.operate(str(operation.pk))
    assert any(name == "provisioning.deliver" for name, _ in jobs())
    assert "token-0" not in json.dumps(jobs())
    assert b"token-0" not in bytes(Callback.objects.get(partner_id=callback.id).sealed_body)
    work()
    assert Callback.objects.get(partner_id=callback.id).sealed_body is None
