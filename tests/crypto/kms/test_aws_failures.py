"""AWS KMS as moto does not show it: away, throttling, refusing. Our own server answers as the API reference says."""

import base64
import json
import logging
import os
import time

import pytest

from credservice.crypto.kek import KeyServiceError, KeyServiceUnreachable, UnwrapError
from credservice.crypto.keyring import Keyring
from credservice.crypto.kms import aws
from credservice.crypto.models import DataKey
from tests.support.http_server import Answer, Received, http_server, unused_port

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
HERE = DataKey(pk=7, purpose="digests").context()
SECRET = os.urandom(32)
WRAPPED = Answer(body=json.dumps({"CiphertextBlob": base64.b64encode(b"wrapped").decode(), "KeyId": ARN}).encode())


def failure(status, code, message=""):
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.1"})


@pytest.fixture
def key():
    return Keyring.parse(f"a1:awskms:{ARN}").current


@pytest.fixture
def answers(aws_environment):
    """Set what KMS answers, one a request, the last one again and again."""
    given: list[Answer] = []
    with http_server(lambda _: given.pop(0) if len(given) > 1 else given[0]) as server:
        aws_environment(server.url)
        given.append(WRAPPED)
        yield given, server


def test_a_request_is_signed_and_bound_to_its_data_key(key, answers):
    assert key.wrap(SECRET, HERE) == b"wrapped"
    (request,) = answers[1].received
    assert request.headers["x-amz-target"] == "TrentService.Encrypt"
    signature = request.headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/")
    assert "/eu-central-1/kms/aws4_request, SignedHeaders=" in signature
    assert json.loads(request.body) == {
        "KeyId": ARN,
        "Plaintext": base64.b64encode(SECRET).decode(),
        "EncryptionContext": {"service": "credservice", "kind": "data-key", "purpose": "digests", "data_key": "7"},
    }


def test_the_key_that_must_open_is_named(key, answers):
    answers[0][:] = [Answer(body=json.dumps({"Plaintext": base64.b64encode(SECRET).decode()}).encode())]
    assert key.unwrap(b"wrapped", HERE) == SECRET
    assert json.loads(answers[1].received[0].body)["KeyId"] == ARN


@pytest.mark.parametrize("code", ["IncorrectKeyException", "InvalidCiphertextException"])
def test_what_another_key_wrapped_does_not_open(key, answers, code):
    answers[0][:] = [failure(400, code)]
    with pytest.raises(UnwrapError, match=f"data key does not open under key 'a1' .{code}."):
        key.unwrap(b"wrapped", HERE)


NOT_NOW = [
    (400, "ThrottlingException"),
    (500, "KMSInternalException"),
    (500, "KeyUnavailableException"),
    (503, "DependencyTimeoutException"),
]


@pytest.mark.parametrize(("status", "code"), NOT_NOW)
def test_an_answer_that_says_not_now_is_an_unreachable_service(key, answers, status, code):
    answers[0][:] = [failure(status, code)]
    with pytest.raises(KeyServiceUnreachable) as caught:
        key.unwrap(b"wrapped", HERE)
    sentence = f"Key 'a1' of ENCRYPTION_KEYS: key service unreachable: Decrypt was answered {status} ({code})"
    assert str(caught.value) == sentence
    assert len(answers[1].received) == aws.ATTEMPTS


REFUSALS = ["AccessDeniedException", "NotFoundException", "DisabledException", "KMSInvalidStateException"]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_final_and_no_wrong_key(key, answers, code):
    answers[0][:] = [failure(400, code)]
    with pytest.raises(KeyServiceError) as caught:
        key.unwrap(b"wrapped", HERE)
    assert str(caught.value) == f"Key 'a1' of ENCRYPTION_KEYS: the key service refused Decrypt: {code}"
    assert not isinstance(caught.value, KeyServiceUnreachable)
    assert len(answers[1].received) == 1


def test_a_short_throttling_is_not_noticed(key, answers):
    answers[0][:] = [failure(400, "ThrottlingException"), failure(500, "KMSInternalException"), WRAPPED]
    assert key.wrap(SECRET, HERE) == b"wrapped"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"CiphertextBlob": 1}', b'{"CiphertextBlob": "="}'])
def test_an_answer_without_what_was_asked_is_an_unreachable_service(key, answers, body):
    answers[0][:] = [Answer(body=body)]
    with pytest.raises(KeyServiceUnreachable):
        key.wrap(SECRET, HERE)


def test_a_slow_service_is_not_waited_for(key, aws_environment, monkeypatch):
    monkeypatch.setattr(aws, "READ_SECONDS", 0.2)
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    begin = time.monotonic()

    def answer(_: Received) -> Answer:
        time.sleep(2)
        return WRAPPED

    with http_server(answer) as server:
        aws_environment(server.url)
        with pytest.raises(KeyServiceUnreachable, match="Read timeout"):
            key.wrap(SECRET, HERE)
        assert time.monotonic() - begin < 2.0


def test_nobody_there_is_an_unreachable_service(key, aws_environment):
    aws_environment(f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(KeyServiceUnreachable, match="Could not connect to the endpoint"):
        key.wrap(SECRET, HERE)


def test_without_credentials_the_sentence_says_so(key, answers, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(KeyServiceError, match="AWS's client cannot ask: Unable to locate credentials"):
        key.wrap(SECRET, HERE)


def test_an_alias_needs_a_region(answers, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(KeyServiceError, match="You must specify a region"):
        Keyring.parse("a1:awskms:alias/kek").current.fingerprint()


def test_an_alias_that_leads_to_nothing_is_told(answers):
    answers[0][:] = [Answer(body=b'{"KeyMetadata": {}}')]
    with pytest.raises(KeyServiceUnreachable, match="without a key's ARN"):
        Keyring.parse("a1:awskms:alias/kek").current.fingerprint()


def test_nothing_secret_is_logged_or_quoted(key, answers, caplog):
    caplog.set_level(logging.DEBUG)
    text = base64.b64encode(SECRET).decode()
    key.wrap(SECRET, HERE)
    answers[0][:] = [failure(400, "ValidationException", f"cannot take {text}")]
    with pytest.raises(KeyServiceError) as caught:
        key.wrap(SECRET, HERE)
    assert "POST" in caplog.text
    secrets = (text, repr(SECRET)[2:-1], "secret-of-the-tests")
    assert not [secret for secret in secrets if secret in caplog.text + str(caught.value) + repr(caught.value)]
