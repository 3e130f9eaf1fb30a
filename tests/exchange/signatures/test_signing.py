"""Signatures by themselves: canonical form, timestamps and digests."""

import base64
import hashlib
import hmac
import math
import string
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.signatures.header import Malformed, parse_digest, parse_signatures, structured_form
from exchange.signatures.timestamps import parse_timestamp
from exchange.signatures.verify import CONSTRUCTIONS, Profile, Secret, SignedRequest, canonical, sign, verify

KEY = Secret(UUID(int=1), b"a-secret-of-thirty-two-characters")
NOW = 1_700_000_000.0
PATHS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="?#"), max_size=60).map(
    lambda text: "/" + text
)
PROFILES = st.builds(
    Profile,
    construction=st.sampled_from(sorted(CONSTRUCTIONS)),
    timestamp_header=st.sampled_from(["X-Timestamp", "Date", ""]),
    signed_path=st.sampled_from(["path", "target"]),
    public_prefix=st.sampled_from(["", "/partners/api", "/přes"]),
    lower_case_method=st.booleans(),
    tolerance_seconds=st.integers(1, 3600),
)


def request(headers, path="/credential-exchange", query="", method="POST"):
    return SignedRequest(
        method, path, query, {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
    )


def read(parse, text):
    """Return what ``parse`` makes of ``text``; None where it refuses it."""
    try:
        return parse(text)
    except Malformed:
        return None


def signed(profile, *, timestamp="1700000000", path="/credential-exchange", query="", secret=KEY):
    headers = sign(method="POST", path=path, query=query, timestamp=timestamp, profile=profile, secret=secret.text)
    return request(headers, path, query)


def test_signing_needs_no_app_registry():
    code = "from exchange.signatures import diagnosis, verify; from django.apps import apps; assert not apps.ready"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_known_answer():
    expected = hmac.new(KEY.text, b"1700000000\nPOST\n/credential-exchange", hashlib.sha256).hexdigest()
    headers = sign(
        method="POST", path="/credential-exchange", timestamp="1700000000", profile=Profile(), secret=KEY.text
    )
    assert headers == {"X-Signature": expected, "X-Timestamp": "1700000000"}


@given(profile=PROFILES, path=PATHS, query=st.text(string.printable.strip(), max_size=30))
def test_what_is_signed_verifies(profile, path, query):
    assert verify(signed(profile, path=path, query=query), profile, [KEY], NOW).secret_id == KEY.id


@given(profile=PROFILES, first=PATHS, second=PATHS)
def test_a_signature_is_good_for_one_path(profile, first, second):
    moved = SignedRequest("POST", second, "", signed(profile, path=first).environ)
    assert verify(moved, profile, [KEY], NOW).ok == (first == second)


@given(path=PATHS, first=st.text(string.printable.strip()), second=st.text(string.printable.strip()))
def test_a_signed_query_is_signed_byte_for_byte(path, first, second):
    profile = Profile(signed_path="target")
    moved = SignedRequest("POST", path, second, signed(profile, path=path, query=first).environ)
    assert verify(moved, profile, [KEY], NOW).ok == (first == second)


@given(path=PATHS, query=st.text(string.printable.strip()))
def test_the_canonical_form_has_three_lines_of_the_bytes_sent(path, query):
    lines = canonical(request({}, path, query), Profile(), "1700000000").split(b"\n")
    assert lines == [b"1700000000", b"POST", path.encode("latin-1")]


@given(other=st.binary(min_size=1, max_size=64))
def test_another_secret_does_not_verify(other):
    verdict = verify(signed(Profile()), Profile(), [Secret(UUID(int=2), other)], NOW)
    assert verdict.ok == (other == KEY.text)


def test_any_live_secret_verifies_and_is_named():
    others = [Secret(UUID(int=number), bytes([number]) * 32) for number in range(2, 5)]
    for secrets in ([KEY, *others], [*others, KEY], [others[0], KEY, others[1]]):
        assert verify(signed(Profile()), Profile(), secrets, NOW).secret_id == KEY.id


@given(difference=st.floats(-8000, 8000), tolerance=st.integers(1, 3600))
def test_the_clock_may_differ_by_the_tolerance_both_ways(difference, tolerance):
    profile = Profile(tolerance_seconds=tolerance)
    verdict = verify(signed(profile), profile, [KEY], NOW - difference)
    assert verdict.ok == (abs(NOW - (NOW - difference)) <= tolerance)
    assert verdict.clock_difference == pytest.approx(difference, abs=0.001)


@given(st.binary(min_size=32, max_size=32))
def test_every_form_of_a_digest_is_the_same_digest(raw):
    standard, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    forms = [raw.hex(), raw.hex().upper(), standard, standard.rstrip("="), url, url.rstrip("=")]
    assert {parse_digest(prefix + form) for form in forms for prefix in ("", "sha256=")} == {raw}


@given(st.text(max_size=90))
def test_what_is_no_digest_is_refused(text):
    digest = read(parse_digest, text)
    assert digest is None or len(digest) == 32


@given(st.binary(min_size=32, max_size=32), st.integers(0, 42), st.characters())
def test_a_changed_character_never_gives_the_same_digest(raw, position, character):
    text = base64.b64encode(raw).decode()
    changed = text[:position] + character + text[position + 1 :]
    assert (read(parse_digest, changed) == raw) == (changed == text)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=8), st.sampled_from([",", ", "]))
def test_a_structured_signature_holds_its_timestamp_and_digests(digests, separator):
    text = separator.join(["t=1700000000", *(f"v1={digest.hex()}" for digest in digests)])
    found = parse_signatures(text)
    assert (found.timestamp, found.digests) == ("1700000000", tuple(digests))


@given(st.text(max_size=200).map(lambda text: "t=" + text))
def test_a_structured_signature_is_read_or_refused(text):
    found = read(parse_signatures, text)
    assert found is None or (found.timestamp and found.digests)


def test_the_structured_form_is_read_back():
    assert parse_signatures(structured_form(bytes(32), "1700000000")).digests == (bytes(32),)


@given(st.integers(130_000_000, 29_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_all_forms_of_a_moment_are_the_same_moment(seconds, minutes):
    moment = datetime.fromtimestamp(seconds, UTC)
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    forms = [
        str(seconds),
        str(seconds * 1000),
        f"{seconds}.000",
        moment.isoformat(),
        elsewhere.isoformat(),
        moment.strftime("%Y%m%dT%H%M%SZ"),
        format_datetime(moment, usegmt=True),
    ]
    assert {parse_timestamp(form) for form in forms} == {float(seconds)}


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text):
    moment = read(parse_timestamp, text)
    assert moment is None or math.isfinite(moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1700000000",
        "1700000000\n",
        "+1700000000",
        "1e9",
        "1_700_000_000",
        "\u0661\u0667" + "\u0660" * 8,  # digits, but not ASCII's
        "12345678",
        "123456789012345",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T25:13:20Z",
        "2023-11-14T22:13:20,5Z",
        "2023-W46-2T22:13:20Z",
        "Tue, 14 Nov 2023 22:13:20 +0000",
        "Tue, 14 Nov 2023 22:13:20 GMT,Tue, 14 Nov 2023 22:13:20 GMT",
        "Tuesday, 14-Nov-23 22:13:20 GMT",
        "Tue, 31 Feb 2023 22:13:20 GMT",
    ],
)
def test_these_are_no_timestamps(text):
    with pytest.raises(Malformed, match="malformed_timestamp"):
        parse_timestamp(text)


def test_no_repr_shows_a_secret_or_a_digest():
    profile = Profile()
    sent = signed(profile)
    verdict = verify(sent, profile, [KEY], NOW)
    shown = repr([KEY, sent, verdict, parse_signatures(sent.header("X-Signature"))])
    assert KEY.text.decode() not in shown
    assert sent.header("X-Signature") not in shown
    assert repr(verdict.signature) not in shown
