"""Asks which credential a string is; the string is stored nowhere."""

import json
import time
from base64 import b64encode

import pytest
from django.db import connection

from credservice.credentials.key_lookup import candidates
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue


@pytest.fixture
def report(client, token):
    def report(text: object):
        return client.post("/api/v1/leaks", {"text": text}, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")

    return report


def test_it_finds_the_credential_of_a_bare_value(report, credential):
    (found,) = report(credential.open()["API_KEY"]).json()["credentials"]
    assert (found["credential"], found["state"]) == (str(credential.pk), "active")


@pytest.mark.parametrize(
    "line",
    [
        *("API_KEY={}", '{{"apiKey": "{}"}}', "Authorization: Bearer {}\n", "<a>{}</a>", "x:{}", "{}."),
        *("GET /x?k={}&b=1 HTTP/1.1", "https://u:{}@host/", "/v1/{}/", "next=%2Fx%3Fk%3D{}%26b", "a%20{}%20b"),
        r'{{"line": "{{\"key\":\"{}\"}}"}}',
        *(
            "\u201c{}\u201d.",
            "\u2018{}\u2019",
            "\xab{}\xbb",
            "\u201e{}\u201c",
            "{}\u2026",
            "{}\u3002",
            "{}\u200b",
            "\ufeff{}",
        ),
        *("key=\u201c{}\u201d", "next\u2192{}\u2190", "caf\ufffd {} end"),
        *(r"key={}\ud83d", r"\ud83d\ud83d key\u003d{}", "key={}\\"),  # half of a character, cut off in a log
    ],
)
def test_it_finds_a_value_inside_of_other_text(report, credential, line):
    text = line.format(credential.open()["API_KEY"])
    assert len(report(text).json()["credentials"]) == 1


HEADERS = "Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,5F\n\n"
DES = f"-----BEGIN RSA PRIVATE KEY-----\n{HEADERS}MIIE\n-----END RSA PRIVATE KEY-----"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQC=\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("stored", [PEM, PEM + "\n", PEM.replace("\n", "\r\n")])
@pytest.mark.parametrize(
    "written",
    [
        *(lambda pem: f"the file:\n{pem}\nends", lambda pem: f"key: |\n    {pem}".replace("\n", "\n    ")),
        lambda pem: json.dumps({"type": "service_account", "private_key": pem}),
        lambda pem: f"log: {json.dumps(json.dumps({'private_key': pem}))}",
        lambda pem: "KEY=" + pem.replace("\n", "\\n"),
    ],
)
def test_a_key_file_is_found_however_it_is_written(report, stored, written):
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["key"]})
    start_issue(policy=policy, context={}, subject="end_user:x", actor="test", entered={"key": stored})
    for text in (written(PEM), written(PEM.replace("\n", "\r\n"))):
        assert len(report(text).json()["credentials"]) == 1


def test_a_key_file_with_headers_is_found(report):
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["key"]})
    start_issue(policy=policy, context={}, subject="end_user:x", actor="test", entered={"key": DES})
    assert len(report(f"in a log:\n{DES}\nends").json()["credentials"]) == 1


@pytest.mark.parametrize(
    "line",
    ["secret: {}", "SECRET={}", 'x "{}" y', "x '{}' y", '{{"k": "a\\"b", "secret": "{}"}}', "a\nsecret : {} \nb"],
)
def test_a_value_that_holds_blanks_is_found(report, line):
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["key"]})
    entered = {"key": "correct horse battery staple"}
    start_issue(policy=policy, context={}, subject="end_user:x", actor="test", entered=entered)
    assert len(report(line.format(entered["key"])).json()["credentials"]) == 1


@pytest.mark.parametrize("text", ['\\"' * 30_000, "\\" * 60_000, '"' * 60_000, "'a" * 30_000, "=\n" * 30_000])
def test_a_text_of_marks_alone_takes_no_long(text):
    began = time.monotonic()
    assert sum(map(len, candidates(text, 12))) < 10_000_000  # characters, which are all digested
    assert time.monotonic() - began < 10  # trying each beginning takes minutes


@pytest.mark.parametrize(
    "value", ["head.payload-part.signature_part", "c2VjcmV0LXZhbHVl/bW9yZQ==", "p@ss:word/with%20all"]
)
def test_a_value_with_such_characters_is_found_too(report, value):
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["key"]})
    start_issue(policy=policy, context={}, subject="end_user:x", actor="test", entered={"key": value})
    for line in ("curl -H 'X-Key: {}' https://host/", "https://host/?key={}&more=1", "{}.", "key={}"):
        assert len(report(line.format(value)).json()["credentials"]) == 1


@pytest.mark.parametrize(
    "line",
    [
        *("Authorization: Basic {}", "basic {}", '{{"authorization": "Basic {}"}}', "-H 'authorization: basic {}'"),
        *("Basic !!! Basic {}", "Basic%20{}", "Authorization: Basic {}, Basic a=b"),
    ],
)
@pytest.mark.parametrize("pair", ["user:{}", "{}:", "a user:{}"])
def test_it_finds_a_value_in_a_header_of_basic_authentication(report, credential, line, pair):
    encoded = b64encode(pair.format(credential.open()["API_KEY"]).encode()).decode()
    assert len(report(line.format(encoded)).json()["credentials"]) == 1
    assert len(report(line.format(encoded.rstrip("="))).json()["credentials"]) == 1


@pytest.mark.parametrize("encoded", ["a", "abcde", "/////w==", "====", "dXNlcg=\ufffd", "é" * 20, "A" * 60_000])
def test_base64_that_is_none_is_passed_over(report, credential, encoded):
    assert report(f"Authorization: Basic {encoded}").json() == {"credentials": []}


def test_a_text_of_nothing_but_joints_is_read_to_its_end(report, credential):
    text = "a/" * 15_000 + credential.open()["API_KEY"]
    assert len(report(text).json()["credentials"]) == 1


def test_it_finds_nothing_in_other_text(report, credential):
    assert report("nothing to see here, but long enough").json() == {"credentials": []}


def test_the_report_is_in_the_trail_and_the_string_is_not(report, credential, trail):
    key = credential.open()["API_KEY"]
    report(f"found {key} in a log")
    event = trail.one(action="credential.leak_reported")
    assert (event.object_id, event.actor) == (str(credential.pk), "token:product")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditevent a WHERE a::text LIKE %s", [f"%{key}%"])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("text", [None, 7, "", ["x"]])
def test_it_asks_for_a_text(report, text):
    assert report(text).status_code == 400
