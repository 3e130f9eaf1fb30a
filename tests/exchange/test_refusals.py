"""Every row of the refusal table in docs/protocols/mindcloud.md."""

import pytest

from credservice.credentials.services import revoke
from exchange.models import EndUser, Grant, Installation, Integration
from tests.support.exchange_factories import IDS


def refused(response, status, code):
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert set(body) == {"code", "message"}
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "application/json"
    return body


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "trace"])
def test_another_method_is_405_with_allow(door, method):
    response = getattr(door.client, method)(door.path)
    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


def test_head_is_405(door):
    assert door.client.head(door.path).status_code == 405


@pytest.mark.parametrize(
    "path", ["/credential-exchange/mindcloud/more", "/credential-exchange//", "/credential-exchange/a%20b"]
)
def test_an_unknown_path_is_404(door, path):
    refused(door.client.post(path), 404, "not_found")


def test_an_unknown_path_is_404_for_any_method(door):
    refused(door.client.get("/credential-exchange/mindcloud/more"), 404, "not_found")


def test_an_unsigned_request_is_401(door, granted):
    response = door.post(headers={})
    refused(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"]


def test_an_unknown_integration_is_404(door, granted):
    refused(door.post(IDS | {"integrationId": "int_other"}), 404, "unknown_integration")


def test_an_unknown_end_user_is_404(door, granted):
    refused(door.post(IDS | {"endUserId": "enduser_other"}), 404, "unknown_end_user")


def test_an_unknown_end_user_leaves_no_installation_behind(door, granted):
    door.post(IDS | {"endUserId": "enduser_other", "installationId": "install_new"})
    assert Installation.objects.count() == 1


def test_an_installation_of_another_end_user_is_404(door, granted, trail):
    EndUser.objects.create(platform=door.platform, end_user_id="enduser_other")
    refused(door.post(IDS | {"endUserId": "enduser_other"}), 404, "unknown_installation")
    assert trail.one(outcome="refused").reason == "installation_of_another"


def test_an_installation_of_another_integration_is_404(door, granted):
    shape = {"apiKey": "$credential.apiKey"}
    Integration.objects.create(
        platform=door.platform, integration_id="int_other", policy=door.integration.policy, response_shape=shape
    )
    refused(door.post(IDS | {"integrationId": "int_other"}), 404, "unknown_installation")


def test_nothing_granted_is_404(door):
    refused(door.post(), 404, "nothing_granted")


def test_a_revoked_credential_is_404(door, granted, trail):
    revoke(credential=granted, actor="test", reason="leaked")
    refused(door.post(), 404, "nothing_granted")
    assert trail.one(outcome="refused").reason == "credential_revoked"


def test_a_suspended_integration_is_403(door, granted):
    Integration.objects.update(is_active=False)
    refused(door.post(), 403, "suspended")


def test_a_suspended_end_user_is_403(door, granted):
    EndUser.objects.update(is_active=False)
    refused(door.post(), 403, "suspended")


def test_a_suspended_installation_is_403(door, granted):
    Installation.objects.update(state="suspended")
    refused(door.post(), 403, "suspended")


def test_a_pending_installation_is_403(door, granted):
    Installation.objects.update(state="pending")
    refused(door.post(), 403, "waiting_for_approval")


def test_a_refused_installation_is_403(door, granted):
    Installation.objects.update(state="refused")
    refused(door.post(), 403, "installation_refused")


def test_a_suspension_counts_at_once(door, granted):
    assert door.post().status_code == 200
    EndUser.objects.update(is_active=False)
    assert door.post().status_code == 403


def test_a_removed_grant_counts_at_once(door, granted):
    assert door.post().status_code == 200
    Grant.objects.all().delete()
    assert door.post().status_code == 404
