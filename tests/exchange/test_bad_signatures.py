"""The battery of bad signatures, over the endpoint. Each is the same 401; the trail says what it was."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.keys.models import SigningSecret
from credservice.keys.services import enter_secret
from exchange.models import Platform
from tests.support.exchange_factories import SECRET, make_platform

OTHER = "another-signing-secret-of-the-tests"
NOW = int(time.time())


def changed(signature):
    return ("0" if signature[0] != "0" else "1") + signature[1:]


def with_signature(change):
    """A case that signs soundly and then changes X-Signature."""
    return lambda door: (headers := door.signed()) | {"X-Signature": change(headers["X-Signature"])}


def signed_for(**over):
    return lambda door: door.signed(**over)


def only(*names):
    return lambda door: {name: value for name, value in door.signed().items() if name in names}


def with_timestamp(change):
    """A case that signs soundly and then changes X-Timestamp."""
    return lambda door: (headers := door.signed()) | {"X-Timestamp": change(headers["X-Timestamp"])}


CASES = {
    "nothing": (lambda door: {}, "missing_signature"),
    "empty": (with_signature(lambda _: ""), "missing_signature"),
    "wrong": (with_signature(changed), "wrong_signature"),
    "short": (with_signature(lambda text: text[:-2]), "malformed_signature"),
    "long": (with_signature(lambda text: text + "00"), "malformed_signature"),
    "not a digest": (with_signature(lambda _: "signature"), "malformed_signature"),
    "not ascii": (with_signature(lambda text: "é" + text[1:]), "malformed_signature"),
    "another algorithm": (with_signature(lambda text: "sha512=" + text), "malformed_signature"),
    "other prefix": (with_signature(lambda text: "sha256:" + text), "malformed_signature"),
    "twice the same": (with_signature(lambda text: f"{text},{text}"), "duplicated_header"),
    "twice, one sound": (with_signature(lambda text: f"{'0' * 64},{text}"), "duplicated_header"),
    "timestamp inside": (with_signature(lambda text: f"t={NOW},v1={text}"), "timestamp_inside_signature"),
    "v1 without t": (with_signature(lambda text: f"v1={text}"), "malformed_signature"),
    "no timestamp": (only("X-Signature"), "missing_timestamp"),
    "no signature": (only("X-Timestamp"), "missing_signature"),
    "timestamp twice": (with_timestamp(lambda text: f"{text},{text}"), "malformed_timestamp"),
    "timestamp of later": (with_timestamp(lambda text: str(int(text) + 1)), "wrong_signature"),
    "timestamp with zero": (with_timestamp(lambda text: text + ".0"), "wrong_signature"),
    "timestamp no number": (signed_for(timestamp="yesterday"), "malformed_timestamp"),
    "timestamp negative": (signed_for(timestamp="-1700000000"), "malformed_timestamp"),
    "timestamp of 5 digits": (signed_for(timestamp="17000"), "malformed_timestamp"),
    "timestamp local": (signed_for(timestamp="2026-01-02T03:04:05"), "malformed_timestamp"),
    "timestamp no date": (signed_for(timestamp="2026-02-30T03:04:05Z"), "malformed_timestamp"),
    "stale": (signed_for(timestamp=str(NOW - 400)), "stale_timestamp"),
    "stale milliseconds": (signed_for(timestamp=str((NOW - 400) * 1000)), "stale_timestamp"),
    "future": (signed_for(timestamp=str(NOW + 40_000)), "future_timestamp"),
    "stale and wrong": (signed_for(timestamp=str(NOW - 400), secret=OTHER), "wrong_signature"),
    "other secret": (signed_for(secret=OTHER), "wrong_signature"),
    "secret with a newline": (signed_for(secret=SECRET + "\n"), "wrong_signature"),
    "lower-case method": (
        lambda door: lower_case_signed(door),
        "wrong_signature",
    ),
    "other method": (signed_for(method="PUT"), "wrong_signature"),
    "other path": (signed_for(path="/credential-exchange/other"), "wrong_signature"),
    "other final slash": (signed_for(path="/credential-exchange/mindcloud/"), "wrong_signature"),
    "path of the default": (signed_for(path="/credential-exchange"), "wrong_signature"),
    "whole url": (signed_for(path="http://testserver/credential-exchange/mindcloud"), "wrong_signature"),
}


def lower_case_signed(door):
    door.platform.lower_case_method = True  # what is stored stays upper case
    return door.signed()


@pytest.mark.parametrize("case", CASES)
def test_it_refuses_a_bad_signature(door, granted, trail, case):
    make_headers, reason = CASES[case]
    response = door.post(headers=make_headers(door))
    body = {"code": "unauthenticated", "message": "The request could not be authenticated."}
    assert (response.status_code, response.json()) == (401, body)
    event = trail.one(outcome="refused")
    assert (event.reason, event.actor) == (reason, "unproven:mindcloud")


def test_it_refuses_the_decoded_path(door, granted):
    sent = "/credential-exchange/mindcl%6Fud"
    assert door.post(path=sent, headers=door.signed(door.path)).status_code == 401
    assert door.post(path=sent, headers=door.signed(sent)).status_code == 200


def test_it_refuses_an_absolute_target(door, granted, trail):
    response = door.post(RAW_URI=f"http://testserver{door.path}")
    assert (response.status_code, trail.one(outcome="refused").reason) == (401, "unusable_target")


def test_it_refuses_another_platforms_secret(door, granted):
    make_platform("staging", secret=OTHER)
    assert door.post(headers=door.signed(secret=OTHER)).status_code == 401


def test_it_refuses_a_retired_secret(door, granted):
    enter_secret(secret_set=door.platform.secrets, text=OTHER, actor="test", overlap=timedelta(0))
    assert door.post().status_code == 401
    assert door.post(headers=door.signed(secret=OTHER)).status_code == 200


def test_it_takes_the_previous_secret_until_its_end(door, granted):
    enter_secret(secret_set=door.platform.secrets, text=OTHER, actor="test")
    assert door.post().status_code == 200
    SigningSecret.objects.filter(state="previous").update(ends_at=timezone.now() - timedelta(minutes=2))
    assert door.post().status_code == 401


def test_it_refuses_a_pending_secret(door, granted, trail):
    SigningSecret.objects.update(state="pending")
    assert (door.post().status_code, trail.one(outcome="refused").reason) == (401, "no_live_secret")


def test_it_refuses_a_platform_without_a_secret(door, granted):
    SigningSecret.objects.all().delete()
    assert door.post().status_code == 401


def test_an_unknown_and_a_suspended_platform_look_like_a_bad_signature(door, granted, trail):
    bad = door.post(headers=door.signed(secret=OTHER))
    unknown = door.post(path="/credential-exchange/nobody")
    Platform.objects.update(is_active=False)
    suspended = door.post()
    assert bad.content == unknown.content == suspended.content
    assert {(answer.status_code, *sorted(answer.headers)) for answer in (bad, unknown, suspended)} == {
        (401, *sorted(bad.headers))
    }
    reasons = [event.reason for event in trail.all(outcome="refused")]
    assert reasons == ["wrong_signature", "unknown_platform", "platform_suspended"]


def test_there_is_no_default_platform_unless_one_is_named(door, granted):
    Platform.objects.update(is_default=False)
    assert door.post(path="/credential-exchange").status_code == 401


def test_a_refused_request_makes_nothing(door):
    door.generate()
    door.post(headers=door.signed(secret=OTHER))
    assert not door.integration.grants.exists()


def test_an_unknown_platform_name_is_in_the_trail_but_no_actor(door, trail):
    door.post(path="/credential-exchange/nobody")
    event = trail.one(outcome="refused")
    assert (event.actor, event.detail["platform"]) == ("anonymous", "nobody")
