import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from credservice.issuers.base import IssueRequest
from tests.issuers.webhook_vendor import NEW, OLD, issuer_at, secrets_in_environment  # noqa: F401
from tests.support.http_server import Answer, http_server

VALUES = {"USER": "u1", "PASSWORD": "p4ssw0rd-of-the-vendor"}
ISSUED = Answer(body=json.dumps({"values": VALUES}).encode())
OPTIONS = {"names": ["USER", "PASSWORD"], "parameters": {"pool": "eu"}}


def request(**changes) -> IssueRequest:
    return IssueRequest(str(uuid4()), OPTIONS, {"plan": "small"}, **changes)


def test_it_asks_for_a_credential():
    with http_server(lambda _: ISSUED) as vendor:
        wanted = request(lifetime=timedelta(hours=1))
        issued = issuer_at(vendor).issue(wanted)
    assert issued.values == VALUES
    assert json.loads(vendor.received[0].body) == {
        "type": "credential.issue",
        "id": wanted.credential_id,
        "names": ["USER", "PASSWORD"],
        "context": {"plan": "small"},
        "parameters": {"pool": "eu"},
        "lifetime": 3600,
    }


def test_what_the_vendor_says_of_it_is_kept():
    ends, due = datetime(2100, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
    said: dict[str, object] = {
        "values": VALUES,
        "expires_at": "2100-01-01T00:00:00Z",
        "refresh_at": "2099-01-01T01:00:00+01:00",
    }
    said |= {"handle": {"ref": 7}, "hint": "user u1", "unknown": True}
    with http_server(lambda _: Answer(201, json.dumps(said).encode())) as vendor:
        issued = issuer_at(vendor).issue(request())
    assert (issued.expires_at, issued.refresh_at, issued.handle, issued.hint) == (ends, due, {"ref": 7}, "user u1")


def test_the_request_is_signed_with_every_secret():
    with http_server(lambda _: ISSUED) as vendor:
        issuer_at(vendor).issue(request())
    for secret in (NEW, OLD):
        Webhook(secret).verify(vendor.received[0].body, vendor.received[0].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(vendor.received[0].body, vendor.received[0].headers)


def test_a_changed_body_does_not_verify():
    with http_server(lambda _: ISSUED) as vendor:
        issuer_at(vendor).issue(request())
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(vendor.received[0].body + b" ", vendor.received[0].headers)


def test_a_repeat_carries_the_same_key():
    wanted = request()
    with http_server(lambda _: ISSUED) as vendor:
        for _ in range(2):
            issuer_at(vendor).issue(wanted)
    assert [got.headers["idempotency-key"] for got in vendor.received] == [wanted.credential_id] * 2
    assert len({got.headers["webhook-id"] for got in vendor.received}) == 1


def test_a_revocation_has_a_key_of_its_own():
    with http_server(lambda _: Answer(204, b"")) as vendor:
        issuer_at(vendor).revoke("c1", OPTIONS, {"ref": 7})
    (got,) = vendor.received
    assert json.loads(got.body) == {
        "type": "credential.revoke",
        "id": "c1",
        "parameters": {"pool": "eu"},
        "handle": {"ref": 7},
    }
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == "revoke_c1"


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_gone_is_as_good_as_revoked(status):
    with http_server(lambda _: Answer(status, b"")) as vendor:
        issuer_at(vendor).revoke("c1", OPTIONS, {})


@pytest.mark.parametrize(
    ("answer", "active"),
    [(Answer(body=b'{"active": true}'), True), (Answer(body=b'{"active": false}'), False), (Answer(404, b""), False)],
)
def test_it_asks_whether_a_credential_is_active(answer, active):
    with http_server(lambda _: answer) as vendor:
        assert issuer_at(vendor).check("c1", OPTIONS, {}) is active


def test_two_checks_have_two_ids():
    with http_server(lambda _: Answer(body=b'{"active": true}')) as vendor:
        for _ in range(2):
            issuer_at(vendor).check("c1", OPTIONS, {})
    assert len({got.headers["webhook-id"] for got in vendor.received}) == 2


def test_a_replaced_secret_needs_no_restart(monkeypatch):
    with http_server(lambda _: ISSUED) as vendor:
        issuer = issuer_at(vendor)
        monkeypatch.setenv("WEBHOOK_NEW", replaced := "whsec_" + "Q" * 44)
        issuer.issue(request())
    Webhook(replaced).verify(vendor.received[0].body, vendor.received[0].headers)
