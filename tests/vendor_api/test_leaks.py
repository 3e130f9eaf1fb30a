"""Which credential is this string: without storing the string."""

import pytest
from django.db import connection


@pytest.fixture
def report(client, token):
    def report(text: object):
        return client.post("/api/v1/leaks", {"text": text}, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")

    return report


def test_it_finds_the_credential_of_a_bare_value(report, credential):
    (found,) = report(credential.open()["API_KEY"]).json()["credentials"]
    assert (found["credential"], found["state"]) == (str(credential.pk), "active")


@pytest.mark.parametrize(
    "line", ["API_KEY={}", '{{"apiKey": "{}"}}', "Authorization: Bearer {}\n", "<a>{}</a>", "x:{}"]
)
def test_it_finds_a_value_inside_of_other_text(report, credential, line):
    text = line.format(credential.open()["API_KEY"])
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
