"""Explains refused requests, as the signature debugger does."""

import base64
from uuid import UUID

import pytest

from exchange.signatures.attempts import MAX_TIMESTAMP_HEADERS, timestamp_headers
from exchange.signatures.diagnosis import diagnose
from exchange.signatures.verify import Profile, Secret, SignedRequest, as_environ, sign

KEY, OLD = Secret(UUID(int=1), b"current-secret-of-the-tests"), Secret(UUID(int=2), b"ended-secret-of-the-tests")
NOW = 1_700_000_000
PATH = "/credential-exchange/mindcloud"


def signed(profile, *, secret=KEY, at=NOW, query="", **headers):
    made = sign(method="POST", path=PATH, query=query, timestamp=str(at), profile=profile, secret=secret.text)
    environ = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in (made | headers).items()}
    return SignedRequest("POST", PATH, query, environ)


def explain(request, profile=None, now=NOW):
    return diagnose(request, profile or Profile(), [KEY], now, ended=[OLD])


def test_a_sound_signature_needs_no_remedy():
    found = explain(signed(Profile()))
    assert found.verdict.ok
    assert (found.remedy, found.matches, found.clock_difference) == ("", {KEY.id: True}, 0)


def test_it_shows_what_we_would_have_signed():
    assert explain(signed(Profile(), secret=OLD)).canonical == f"{NOW}\nPOST\n{PATH}"


@pytest.mark.parametrize(
    ("sent", "stored", "remedy"),
    [
        ({"construction": "sha256-message-secret"}, {}, "Set the construction to SHA-256(message + secret)."),
        ({}, {"construction": "sha256-message-secret"}, "Set the construction to HMAC-SHA256(secret, message)."),
        ({"signed_path": "target"}, {}, "Set the signed path to Path and query as sent."),
        ({}, {"signed_path": "target"}, "Set the signed path to Path as sent, without the query."),
        ({"lower_case_method": True}, {}, "Set the method to lower case."),
        ({}, {"lower_case_method": True}, "Set the method to upper case."),
        ({"timestamp_header": "Date"}, {}, "Set the timestamp header to Date."),
        ({"timestamp_header": "X-Date"}, {}, "Set the timestamp header to X-Date."),
        ({"timestamp_header": "Acme-Sent-At"}, {}, "Set the timestamp header to Acme-Sent-At."),
        ({"timestamp_header": ""}, {}, "Set the timestamp header to empty: it is inside X-Signature."),
        ({}, {"timestamp_header": ""}, "Set the timestamp header to X-Timestamp."),
        ({"public_prefix": "/api"}, {}, "Set the public prefix to /api."),
        ({}, {"public_prefix": "/api"}, "Empty the public prefix."),
    ],
)
def test_it_names_the_one_setting_that_would_make_it_pass(sent, stored, remedy):
    found = explain(signed(Profile(**sent), query="a=1"), Profile(**stored))
    assert not found.verdict.ok
    assert found.remedy == remedy


def test_it_finds_the_timestamp_that_was_signed_among_others():
    others = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT", "X-Account": "123456789", "X-Started": "2023-11-14T22:13:20Z"}
    request = signed(Profile(timestamp_header="X-Date"), **others)
    assert explain(request).settings == {"timestamp_header": "X-Date"}


def test_it_looks_at_a_few_headers_alone_and_at_those_that_a_setting_can_name():
    many = {f"X-Time-{n}": str(NOW) for n in range(100)}
    odd = {f"X-{'a' * 80}": str(NOW), "X-Text": "no time"}
    assert timestamp_headers(signed(Profile(), **odd)) == ["X-Timestamp"]
    assert len(timestamp_headers(signed(Profile(), **many))) == MAX_TIMESTAMP_HEADERS


def differently(*, secret=KEY.text, path=PATH, target=PATH):
    """A call of ``target`` whose signature is of ``path``."""
    made = sign(method="POST", path=path, timestamp=str(NOW), profile=Profile(), secret=secret)
    return SignedRequest("POST", target, "", as_environ(made))


@pytest.mark.parametrize(
    ("stored", "signed_with", "remedy"),
    [
        (KEY.text, b'"' + KEY.text + b'"', "with the secret in quotes."),
        (KEY.text, b"'" + KEY.text + b"'", "with the secret in quotes."),
        (b'"' + KEY.text + b'"', KEY.text, "without the quotes that are around it here"),
        (KEY.text, KEY.text + b"\n", "and a line break"),
        (KEY.text, KEY.text + b"\r\n", "and a line break"),
        (b"c2VjcmV0+/", base64.b64decode("c2VjcmV0+/=="), "decoded from base64"),
        (b"c2VjcmV0-_==", base64.b64decode("c2VjcmV0+/=="), "decoded from base64"),
        (b"deadbeef0", b"", ""),
        (b"5EC3e700", bytes.fromhex("5ec3e700"), "decoded from hexadecimal"),
    ],
)
def test_it_names_the_form_that_the_secret_was_used_in(stored, signed_with, remedy):
    found = diagnose(differently(secret=signed_with), Profile(), [Secret(KEY.id, stored)], NOW)
    assert remedy in found.remedy
    assert (found.verdict.reason, found.settings) == ("wrong_signature", {})


@pytest.mark.parametrize(
    ("path", "target", "remedy"),
    [
        (f"https://credentials.example.com{PATH}", PATH, "of the full URL"),
        (f"{PATH}/", PATH, "with a final slash"),
        (PATH, f"{PATH}/", "without its final slash"),
    ],
)
def test_it_names_the_address_that_was_signed(path, target, remedy):
    found = diagnose(
        differently(path=path, target=target), Profile(), [KEY], NOW, public_url="https://credentials.example.com"
    )
    assert (remedy in found.remedy, found.settings) == (True, {})


def test_it_takes_the_host_of_a_pasted_call_for_the_full_url():
    request = differently(path=f"https://other.example.com{PATH}")
    request.environ["HTTP_HOST"] = "other.example.com"
    assert "of the full URL" in diagnose(request, Profile(), [KEY], NOW).remedy


def test_it_takes_a_prefix_from_what_the_proxy_says():
    request = signed(Profile(public_prefix="/from-proxy"), **{"X-Forwarded-Prefix": "/from-proxy/"})
    assert explain(request).remedy == "Set the public prefix to /from-proxy."


def test_it_knows_an_ended_secret():
    assert "secret that has ended" in explain(signed(Profile(), secret=OLD)).remedy


@pytest.mark.parametrize(
    ("late", "remedy"),
    [(400, "tolerance to 401 s or more"), (-400, "tolerance to 401 s or more"), (90000, "90000 s behind")],
)
def test_it_tells_the_clocks(late, remedy):
    found = explain(signed(Profile()), now=NOW + late)
    assert found.clock_difference == -late
    assert remedy in found.remedy


@pytest.mark.parametrize("late", [900, 1200, 3500, 90000])
def test_it_offers_no_tolerance_for_a_call_that_is_merely_old(late):
    found = explain(signed(Profile()), now=NOW + late)
    assert (found.settings, found.warning) == ({}, "")
    assert "an old request" in found.remedy


@pytest.mark.parametrize(("early", "told"), [(3500, "Set the clocks right."), (4000, "more than any tolerance")])
def test_a_call_from_the_future_is_no_old_one(early, told):
    found = explain(signed(Profile()), now=NOW - early)
    assert found.settings == {}
    assert f"{early} s ahead of our clock" in found.remedy
    assert "a clock is wrong" in found.remedy
    assert told in found.remedy
    assert "old" not in found.remedy


@pytest.mark.parametrize("late", [400, 800, 899])
def test_it_offers_a_bounded_tolerance_with_a_warning(late):
    found = explain(signed(Profile()), now=NOW + late)
    assert late < found.settings["tolerance_seconds"] <= 900
    assert "captured call can be replayed" in found.warning


def test_it_tells_a_setting_and_the_clock():
    remedy = explain(signed(Profile(lower_case_method=True)), now=NOW + 400).remedy
    assert remedy.startswith("Set the method to lower case. Then: Set the tolerance")


def test_it_tells_when_nothing_was_signed():
    assert "request verification" in explain(SignedRequest("POST", PATH, "", {})).remedy


def test_it_offers_no_remedy_for_a_forgery():
    found = explain(signed(Profile(), secret=Secret(UUID(int=3), b"secret-of-somebody-else")))
    assert (found.verdict.reason, found.remedy, found.matches) == ("wrong_signature", "", {KEY.id: False})
