"""COPY writes what the ORM would."""

from contextlib import closing
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection

from credservice.audit import Line, record_many
from credservice.core.postgres_copy import copy_lines, copy_rows
from credservice.credentials.models import Credential
from credservice.credentials.services import start_issue
from exchange.models import EndUser

pytestmark = pytest.mark.django_db
ODD = ["tab\there", "line\nbreak\r", "back\\slash \\N \\t", "\\N", "é \U0001f511", '"quotes"', "{}", ""]


@pytest.mark.parametrize("text", ODD)
def test_any_text_arrives_as_it_is(door, text):
    user = EndUser(platform=door.platform, end_user_id=f"e{text}", external_id="odd", name=text, attributes={"a": text})
    copy_rows([user])
    assert EndUser.objects.values("end_user_id", "name", "attributes").get(external_id="odd") == {
        "end_user_id": f"e{text}",
        "name": text,
        "attributes": {"a": text},
    }


def test_every_column_arrives_as_it_is(door):
    credential = start_issue(
        policy=door.integration.policy, context={"a": "b\n"}, subject="", actor="t", entered={"apiKey": "x" * 40}
    )
    credential.predecessor_overlap, credential.lookup = timedelta(days=2, seconds=3, microseconds=4), b"\x00\\\n\xff"
    credential.expires_at, credential.suspended, credential.attempts = credential.activated_at, True, 7
    wanted = {field.attname: getattr(credential, field.attname) for field in Credential._meta.concrete_fields}
    Credential.objects.all().delete()
    copy_rows([credential])
    found = Credential.objects.values().get()
    for name in wanted.keys() - {"created_at"}:
        assert _plain(found[name]) == _plain(wanted[name]), name


def _plain(value):
    if isinstance(value, list):
        return [bytes(each) for each in value]
    return bytes(value) if isinstance(value, memoryview) else value


@pytest.mark.parametrize("text", [*ODD, "nul \x00", "lone \ud800 surrogate"])
def test_a_line_of_the_trail_may_hold_any_text(trail, text):
    record_many([Line("test.odd", f"user:{text}", detail={"text": text})])
    kept = text.encode(errors="replace").decode().replace("\x00", "\ufffd")
    assert (trail.one().actor, trail.one().detail) == (f"user:{kept}", {"text": kept})


def test_what_the_database_refuses_is_told_as_by_any_other_statement():
    with pytest.raises(DataError):
        copy_lines("COPY audit_auditevent (id) FROM STDIN", [["no number"]])


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_ends_is_told_as_by_any_other_statement():
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid

    def lines():
        yield ["1"]
        with closing(connection.copy()) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        yield ["2"]

    with pytest.raises(OperationalError):
        copy_lines("COPY audit_auditevent (id) FROM STDIN", lines())
    connection.close()


@pytest.mark.django_db
def test_lines_may_ask_the_database_while_they_are_made(trail):
    def subject():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'end_user:1'")
            return cursor.fetchone()[0]

    record_many(Line("test.asked", "user:ann", subject=subject()) for _ in range(2))
    assert [line.subject for line in trail.all(action="test.asked")] == ["end_user:1"] * 2
