import json
import time
from itertools import chain, repeat
from uuid import uuid4

import pytest

from credservice.issuers.base import IssueFailed, IssueRequest, IssuerUnavailable
from credservice.issuers.options import OptionsError
from tests.issuers.webhook_vendor import NEW, issuer_at, secrets_in_environment  # noqa: F401
from tests.support.http_server import Answer, http_server, raw_server, unused_port

OPTIONS = {"names": ["TOKEN"]}
SECRET = "v4lue-of-the-vendor"
ISSUED = Answer(body=json.dumps({"values": {"TOKEN": SECRET}}).encode())


def request() -> IssueRequest:
    return IssueRequest(str(uuid4()), OPTIONS, {})


def fails(answer: Answer) -> str:
    with http_server(lambda _: answer) as vendor, pytest.raises(IssueFailed) as caught:
        issuer_at(vendor).issue(request())
    assert len(vendor.received) == 1
    return str(caught.value)


def test_a_refusal_is_final_and_keeps_what_the_vendor_said():
    refusal = Answer(422, b'{"message": "No such pool."}')
    assert fails(refusal) == "127.0.0.1 answered 422: No such pool."


def test_what_the_vendor_said_is_bounded_on_one_line_and_without_our_secret():
    said = json.dumps({"message": f"bad\nkey {NEW} " + "x" * 500}).encode()
    reason = fails(Answer(403, said))
    assert len(reason) < 255
    assert "\n" not in reason
    assert NEW not in reason


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": {}}'])
def test_a_refusal_without_a_message_names_its_status(body):
    assert fails(Answer(400, body)) == "127.0.0.1 answered 400"


def test_a_redirect_is_not_followed():
    assert "redirects are not followed" in fails(Answer(307, b"", {"Location": "http://127.0.0.1:1/"}))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"values": {}},
        {"values": []},
        {"values": {"TOKEN": 7}},
        {"values": {"TOKEN": ""}},
        {"values": {"TOKEN": None}},
        {"values": {"TOKEN": "x" * 20_000}},
        {"values": {"TOKEN": SECRET, "MORE": "y"}},
        {"values": {"OTHER": SECRET}},
        {"values": {"TOKEN": SECRET}, "expires_at": "tomorrow"},
        {"values": {"TOKEN": SECRET}, "expires_at": "2100-01-01T00:00:00"},
        {"values": {"TOKEN": SECRET}, "expires_at": "2100-13-01T00:00:00Z"},
        {"values": {"TOKEN": SECRET}, "expires_at": 4102444800},
        {"values": {"TOKEN": SECRET}, "expires_at": "2001-01-01T00:00:00Z"},
        {"values": {"TOKEN": SECRET}, "handle": "ref"},
        {"values": {"TOKEN": SECRET}, "handle": {"a": "x" * 5000}},
        {"values": {"TOKEN": SECRET}, "handle": {"a": [{"b": f"Bearer {SECRET}"}]}},
        {"values": {"TOKEN": SECRET}, "hint": SECRET},
        {"values": {"TOKEN": SECRET}, "hint": "x" * 65},
    ],
)
def test_an_answer_that_cannot_be_used_is_final_and_not_quoted(answer):
    assert SECRET not in fails(Answer(body=json.dumps(answer).encode()))


@pytest.mark.parametrize(
    "body", [b"", b"TOKEN=x", b'{"values": {"TOKEN": "a"}, "values": {}}', b"\xff", b"[" * 9999, b"x" * 300_000]
)
def test_an_answer_that_is_no_json_object_is_final(body):
    fails(Answer(body=body))


@pytest.mark.parametrize("status", [500, 502, 503, 408, 409, 425, 429])
def test_a_passing_failure_is_tried_again_within_the_call(status):
    answers = chain([Answer(status, b"")], repeat(ISSUED))
    with http_server(lambda _: next(answers)) as vendor:
        assert issuer_at(vendor).issue(request()).values == {"TOKEN": SECRET}
    assert len(vendor.received) == 2
    assert vendor.received[0].body == vendor.received[1].body
    assert vendor.received[0].headers["idempotency-key"] == vendor.received[1].headers["idempotency-key"]


def test_a_failure_that_lasts_is_left_to_the_caller():
    with http_server(lambda _: Answer(500, b"boom")) as vendor, pytest.raises(IssuerUnavailable) as caught:
        issuer_at(vendor).issue(request())
    assert str(caught.value) == "127.0.0.1 answered 500"
    assert len(vendor.received) == 3


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120), ("99999999", 3600), ("Wed, 21 Oct 2099 07:28:00 GMT", 3600), ("soon", 5)]
)
def test_the_vendors_pause_is_respected(header, seconds):
    answer = Answer(429, b"", {"Retry-After": header})
    with http_server(lambda _: answer) as vendor, pytest.raises(IssuerUnavailable) as caught:
        issuer_at(vendor).issue(request())
    assert caught.value.retry_after == seconds
    assert len(vendor.received) == (1 if seconds > 5 else 3)


def test_an_endpoint_that_cannot_be_reached_is_unavailable():
    with pytest.raises(IssuerUnavailable, match=r"127\.0\.0\.1 cannot be reached"):
        issuer_at(f"http://127.0.0.1:{unused_port()}/").issue(request())


def test_a_slow_endpoint_is_left_in_time():
    started = time.monotonic()
    with raw_server(lambda _: time.sleep(9)) as port, pytest.raises(IssuerUnavailable):
        issuer_at(f"http://127.0.0.1:{port}/", seconds=1).issue(request())
    assert time.monotonic() - started < 2


def test_an_endpoint_at_a_private_address_is_refused(settings):
    with http_server(lambda _: ISSUED) as vendor:
        issuer = issuer_at(vendor)
        settings.OUTGOING_ALLOWED_NETWORKS = []
        with pytest.raises(IssueFailed, match="not public"):
            issuer.issue(request())
    assert vendor.received == []


@pytest.mark.parametrize("status", [400, 401, 403, 302, 500])
def test_a_refused_revocation_is_to_be_asked_again(status):
    answer = Answer(status, b'{"message": "not now"}')
    with http_server(lambda _: answer) as vendor, pytest.raises(IssuerUnavailable, match=str(status)):
        issuer_at(vendor).revoke("c1", OPTIONS, {})


@pytest.mark.parametrize("body", [b"", b"{}", b'{"active": "yes"}'])
def test_a_check_without_an_answer_is_to_be_asked_again(body):
    with http_server(lambda _: Answer(body=body)) as vendor, pytest.raises(IssuerUnavailable):
        issuer_at(vendor).check("c1", OPTIONS, {})


def test_a_secret_that_is_gone_is_unavailable_not_unsigned(monkeypatch):
    with http_server(lambda _: ISSUED) as vendor:
        issuer = issuer_at(vendor)
        monkeypatch.delenv("WEBHOOK_OLD")
        with pytest.raises(IssuerUnavailable, match="WEBHOOK_OLD is not set"):
            issuer.issue(request())
    assert vendor.received == []


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"url": "ftp://vendor"}, "url must begin with https"),
        ({"secrets": []}, "secrets must list references"),
        ({"secrets": "env:WEBHOOK_NEW"}, "secrets must list references"),
        ({"secrets": ["env:NOT_SET"]}, "NOT_SET is not set"),
        ({"secrets": [NEW]}, "env:NAME or file:PATH"),
        ({"secrets": ["env:PATH"]}, "is no Standard Webhooks secret"),
        ({"seconds": 0}, "seconds must be"),
        ({"seconds": True}, "seconds must be"),
        ({"seconds": "9"}, "seconds must be"),
        ({"acts": ["delete"]}, "acts must list"),
        ({"acts": "revoke"}, "acts must list"),
    ],
)
def test_options_that_cannot_work_are_refused(changes, phrase):
    with pytest.raises(OptionsError, match=phrase) as caught:
        issuer_at(
            **{"vendor": "https://vendor.example/"} | {("vendor" if k == "url" else k): v for k, v in changes.items()}
        )
    assert NEW not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"names": []},
        {"names": ["A", "A"]},
        {"names": ["A"], "name": "A"},
        {"names": ["A"], "parameters": []},
        {"names": ["A"], "parameters": {"x": "y" * 20_000}},
    ],
)
def test_policy_options_that_cannot_work_are_refused(options):
    with pytest.raises(OptionsError):
        issuer_at("https://vendor.example/").check_options(options)


def test_sound_policy_options_pass():
    issuer = issuer_at("https://vendor.example/")
    issuer.check_options({"names": ["A", "B"], "parameters": {"x": [1]}})
    assert issuer.value_names({"names": ["A", "B"]}) == ("A", "B")


def test_the_flags_say_what_the_endpoint_knows():
    assert issuer_at("https://vendor.example/", acts=[]).can_revoke is False
    assert issuer_at("https://vendor.example/").can_check is True


def test_no_secret_shows():
    assert NEW not in repr(vars(issuer_at("https://vendor.example/")))
