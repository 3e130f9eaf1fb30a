import json
import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest

from credservice.issuers.base import IssueFailed, IssueRequest, IssuerUnavailable
from credservice.issuers.oauth2 import OAuth2Issuer
from credservice.issuers.options import OptionsError
from tests.support.http_server import Answer, http_server, raw_server, unused_port

SECRET = "s3cret-of-the-client"
TOKEN = "t0ken-of-the-server"


@pytest.fixture(autouse=True)
def set_up(monkeypatch, settings):
    monkeypatch.setenv("OAUTH_SECRET", SECRET)
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def issuer(url="https://auth.example", **options):
    given: dict[str, Any] = {"token_url": f"{url}/token", "client_id": "us", "client_secret": "env:OAUTH_SECRET"}
    return OAuth2Issuer(**given | {"seconds": 2} | options)


def issue(url, **options):
    return issuer(url, **options).issue(IssueRequest(str(uuid4()), {}, {}))


def answering(body, status=200):
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


GOOD = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 60}


@pytest.mark.parametrize(
    "changes", [{}, {"token_type": "N_A"}, {"expires_in": "60"}, {"expires_in": 60.5}, {"more": 1}]
)
def test_it_takes_what_servers_answer(changes):
    with http_server(lambda _: answering(GOOD | changes)) as server:
        assert issue(server.url).values == {"ACCESS_TOKEN": TOKEN}


def test_a_token_may_have_no_end():
    with http_server(lambda _: answering({"access_token": TOKEN, "token_type": "Bearer"})) as server:
        issued = issue(server.url)
    assert (issued.expires_at, issued.refresh_at) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"access_token=x&token_type=bearer",
        b"[]",
        b'{"access_token": "a", "access_token": "b", "token_type": "bearer"}',
        {},
        GOOD | {"access_token": ""},
        GOOD | {"access_token": 7},
        GOOD | {"access_token": "x" * 20_000},
        GOOD | {"token_type": "mac"},
        {"access_token": TOKEN},
        GOOD | {"expires_in": 0},
        GOOD | {"expires_in": -5},
        GOOD | {"expires_in": True},
        GOOD | {"expires_in": "soon"},
        GOOD | {"expires_in": [60]},
    ],
)
def test_an_answer_that_cannot_be_used_is_final_and_not_quoted(body):
    with http_server(lambda _: answering(body)) as server, pytest.raises(IssueFailed) as caught:
        issue(server.url)
    assert TOKEN not in str(caught.value)


def test_a_very_long_life_is_cut():
    with http_server(lambda _: answering(GOOD | {"expires_in": "9" * 30})) as server:
        assert issue(server.url).expires_at is not None


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_final_with_its_reason(status):
    refusal = {"error": "unauthorized_client", "error_description": f"Not you, {SECRET}"}
    with http_server(lambda _: answering(refusal, status)) as server, pytest.raises(IssueFailed) as caught:
        issue(server.url)
    assert str(caught.value) == f"127.0.0.1 answered {status}: Not you, [secret] (unauthorized_client)"


@pytest.mark.parametrize("quoted", [SECRET, b64encode(f"us:{SECRET}".encode()).decode()])
def test_a_server_that_quotes_our_secret_is_not_quoted(quoted):
    refusal = {"error": quoted, "error_description": f"Not you, {quoted}"}
    with http_server(lambda _: answering(refusal, 400)) as server, pytest.raises(IssueFailed) as caught:
        issue(server.url)
    assert quoted[:16] not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (401, b'{"error": "invalid_client"}'),
        (400, b'{"error": "invalid_client"}'),
        (400, b'{"error": "temporarily_unavailable"}'),
        (429, b""),
        (500, b'{"error": "invalid_scope"}'),
        (503, b"<html>"),
    ],
)
def test_what_may_pass_is_to_be_asked_again(status, body):
    with http_server(lambda _: answering(body, status)) as server, pytest.raises(IssuerUnavailable):
        issue(server.url)


def test_a_redirect_is_not_followed():
    with http_server(lambda _: Answer(302, b"", {"Location": "/login"})) as server, pytest.raises(IssueFailed):
        issue(server.url)
    assert len(server.received) == 1


def test_a_server_that_cannot_be_reached():
    with pytest.raises(IssuerUnavailable, match="cannot be reached"):
        issue(f"http://127.0.0.1:{unused_port()}")


def test_a_slow_server_is_left_in_time():
    started = time.monotonic()
    with raw_server(lambda _: time.sleep(9)) as port, pytest.raises(IssuerUnavailable):
        issue(f"http://127.0.0.1:{port}", seconds=1)
    assert time.monotonic() - started < 2


def test_a_secret_that_is_gone_is_unavailable(monkeypatch):
    made = issuer()
    monkeypatch.delenv("OAUTH_SECRET")
    with pytest.raises(IssuerUnavailable, match="OAUTH_SECRET is not set"):
        made.issue(IssueRequest("c1", {}, {}))


@pytest.mark.parametrize(
    "body",
    [{"error": "temporarily_unavailable", "error_description": "busy"}, {"error": "invalid_client"}],
)
def test_an_error_that_is_told_with_200_is_one(body):
    with http_server(lambda _: answering(body)) as server, pytest.raises(IssuerUnavailable, match=body["error"]):
        issue(server.url)


def test_an_answer_without_a_token_type_is_named():
    body = {"access_token": TOKEN}
    with http_server(lambda _: answering(body)) as server, pytest.raises(IssueFailed, match="lacks token_type"):
        issue(server.url)


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "body"), [(400, b'{"error": "unsupported_token_type"}'), (403, b""), (503, b"")])
def test_a_refused_revocation_is_to_be_asked_again(status, body):
    with http_server(lambda got: answering(body, status) if got.path == "/revoke" else answering(GOOD)) as server:
        revoking = issuer(server.url, revocation_url=f"{server.url}/revoke")
        issued = revoking.issue(IssueRequest("c1", {}, {}))
        with pytest.raises(IssuerUnavailable, match=str(status)) as caught:
            revoking.revoke("c1", {}, issued.handle)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"token_url": "auth.example/token"}, "token_url must begin with"),
        ({"revocation_url": "https://u:p@auth.example/"}, "revocation_url must hold no"),
        ({"client_id": ""}, "client_id must be"),
        ({"client_secret": SECRET}, "client_secret: a secret is never written"),
        ({"client_secret": "env:NOT_SET"}, "client_secret: the environment variable NOT_SET"),
        ({"authentication": "private_key_jwt"}, "authentication must be one of"),
        ({"grant": "password"}, "grant must be one of"),
        ({"grant": []}, "grant must be"),
        ({"seconds": 31}, "seconds must be"),
    ],
)
def test_options_that_cannot_work_are_refused(changes, phrase):
    with pytest.raises(OptionsError, match=phrase) as caught:
        issuer(**changes)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("grant", "options", "phrase"),
    [
        ("client_credentials", {"name": ""}, "name must be"),
        ("client_credentials", {"margin": 0}, "margin must be"),
        ("client_credentials", {"margin": True}, "margin must be"),
        ("client_credentials", {"scope": ["a"]}, "scope must be a text"),
        ("client_credentials", {"scope": ""}, "scope must be a text"),
        ("client_credentials", {"scope": "$"}, "scope names no source"),
        ("client_credentials", {"audience": []}, "audience must be a text or a list"),
        ("client_credentials", {"audience": [7]}, "audience must be a text or a list"),
        ("client_credentials", {"resource": "crm"}, "resource must begin with https"),
        ("client_credentials", {"subject": "$end_user"}, "unknown option 'subject'"),
        ("token_exchange", {}, "give either subject"),
        ("token_exchange", {"subject": "$end_user", "subject_token": "$external_id"}, "give either subject"),
        ("token_exchange", {"subject_token": "fixed", "subject_token_type": "t"}, "must name a source"),
        ("token_exchange", {"subject_token": "$end_user"}, "subject_token_type goes with"),
        ("token_exchange", {"subject": "$end_user", "subject_token_type": "t"}, "subject_token_type goes with"),
        ("token_exchange", {"subject_token": "$end_user", "subject_token_type": 7}, "subject_token_type must be"),
        ("token_exchange", {"subject_token": 7, "subject_token_type": "t"}, "subject_token must be"),
        ("token_exchange", {"subject": "$end_user", "subject_algorithm": "HS256"}, "subject_algorithm must be"),
    ],
)
def test_policy_options_that_cannot_work_are_refused(grant, options, phrase):
    with pytest.raises(OptionsError, match=phrase):
        issuer(grant=grant).check_options(options)


@pytest.mark.parametrize(
    ("grant", "options"),
    [
        ("client_credentials", {}),
        ("client_credentials", {"scope": "a b", "audience": ["$plan", "x"], "resource": "$external_id"}),
        ("token_exchange", {"subject": "$end_user", "requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}),
        ("token_exchange", {"subject_token": "$external_id", "subject_token_type": "urn:vendor:id"}),
    ],
)
def test_sound_policy_options_pass(grant, options):
    issuer(grant=grant).check_options(options)
