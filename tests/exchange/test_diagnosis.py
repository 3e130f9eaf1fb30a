"""What the signature debugger says of a refused request."""

from uuid import UUID

import pytest

from exchange.diagnosis import diagnose
from exchange.signing import Profile, Secret, SignedRequest, sign

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
        ({"construction": "sha256-message-secret"}, {}, "Set the construction to sha256-message-secret."),
        ({}, {"construction": "sha256-message-secret"}, "Set the construction to hmac-sha256."),
        ({"signed_path": "target"}, {}, "Set the signed path to target."),
        ({}, {"signed_path": "target"}, "Set the signed path to path."),
        ({"lower_case_method": True}, {}, "Set the method to lower case."),
        ({}, {"lower_case_method": True}, "Set the method to upper case."),
        ({"timestamp_header": "Date"}, {}, "Set the timestamp header to Date."),
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


def test_it_takes_a_prefix_from_what_the_proxy_says():
    request = signed(Profile(public_prefix="/from-proxy"), **{"X-Forwarded-Prefix": "/from-proxy/"})
    assert explain(request).remedy == "Set the public prefix to /from-proxy."


def test_it_knows_an_ended_secret():
    assert "secret that has ended" in explain(signed(Profile(), secret=OLD)).remedy


@pytest.mark.parametrize(
    ("late", "remedy"),
    [(400, "tolerance to 401 s or more"), (-400, "tolerance to 401 s or more"), (90000, "90000 s off")],
)
def test_it_tells_the_clocks(late, remedy):
    found = explain(signed(Profile()), now=NOW + late)
    assert found.clock_difference == -late
    assert remedy in found.remedy


@pytest.mark.parametrize("late", [900, 1200, 3500, -3500, 90000])
def test_it_offers_no_tolerance_for_a_call_that_is_merely_old(late):
    found = explain(signed(Profile()), now=NOW + late)
    assert (found.settings, found.warning) == ({}, "")
    assert "an old request" in found.remedy


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
