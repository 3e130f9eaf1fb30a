import socket
import time
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest

from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.options import OptionsError
from credservice.issuers.postgresql import PostgreSQLIssuer
from credservice.issuers.postgresql import issuer as issuer_module
from tests.support.http_server import raw_server, unused_port

PASSWORD = "p4ssw0rd-of-the-administrator"


@pytest.fixture
def elsewhere(monkeypatch):
    """An issuer whose administrator's connection string leads to a port of 127.0.0.1."""

    def at(port: int, more: str = "") -> PostgreSQLIssuer:
        monkeypatch.setenv("VENDOR_DSN", f"postgresql://admin:{PASSWORD}@127.0.0.1:{port}/app{more}")
        return PostgreSQLIssuer(dsn="env:VENDOR_DSN", databases=["app"], groups=["app_group"])

    return at


def unavailable(issuer: PostgreSQLIssuer, request) -> list[str]:
    """The reasons that each act gives; none of them may hold the password."""
    acts = [
        lambda: issuer.issue(request),
        lambda: issuer.check(request.credential_id, request.options, {}),
        lambda: issuer.revoke(request.credential_id, request.options, {}),
    ]
    reasons = []
    for act in acts:
        with pytest.raises(IssuerUnavailable) as caught:
            act()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        reasons.append(str(caught.value))
    assert PASSWORD not in "".join(reasons)
    return reasons


def test_a_server_that_cannot_be_reached(elsewhere, vendor):
    reasons = unavailable(elsewhere(unused_port()), vendor.request())
    assert set(reasons) == {"PostgreSQL cannot be reached (Connection refused)"}


def test_a_server_that_is_none(elsewhere, vendor):
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        unavailable(elsewhere(port), vendor.request())


def test_a_server_that_never_answers_is_left_in_time(elsewhere, vendor, monkeypatch):
    monkeypatch.setattr("credservice.issuers.postgresql.connection.CONNECT_SECONDS", 1)
    started = time.monotonic()
    with raw_server(lambda _: time.sleep(20)) as port, pytest.raises(IssuerUnavailable):
        elsewhere(port).issue(vendor.request())
    assert time.monotonic() - started < 5


def test_a_server_that_stops_in_the_middle_is_left_in_time(elsewhere, vendor, monkeypatch):
    def welcome_and_stop(connection):
        connection.recv(4096)
        connection.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I")
        time.sleep(20)

    monkeypatch.setattr(issuer_module, "ISSUE_SECONDS", 0.5)
    started = time.monotonic()
    with raw_server(welcome_and_stop) as port, pytest.raises(IssuerUnavailable):
        elsewhere(port, "?sslmode=disable").issue(vendor.request())
    assert time.monotonic() - started < 5


def refusing_with(text: str) -> Callable[[socket.socket], None]:
    """A server that lets anybody in and answers each statement with an error of its own wording."""
    fields = b"SERROR\0VERROR\0C42501\0M" + text.encode() + b"\0\0"
    ready = b"Z\x00\x00\x00\x05I"

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x00" + ready)
        while connection.recv(4096):
            connection.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields + ready)

    return talk


def test_a_server_that_quotes_our_password_is_not_quoted(elsewhere, vendor):
    with raw_server(refusing_with(f"{PASSWORD}, or what?\nNo. " + "x" * 999)) as port:
        issuer = elsewhere(port, "?sslmode=disable")
        with pytest.raises(IssueFailed, match=r"answered: \[secret\], or") as caught:
            issuer.issue(vendor.request())
        with pytest.raises(IssuerUnavailable) as later:
            issuer.revoke(vendor.request().credential_id, {}, {})
    assert PASSWORD not in str(caught.value) + str(later.value)
    assert len(str(caught.value)) < 500


def test_a_wrong_password_of_the_administrator(vendor, monkeypatch):
    monkeypatch.setenv("VENDOR_DSN", psycopg.conninfo.make_conninfo(vendor.dsn, password=PASSWORD))
    reasons = unavailable(vendor.issuer(), vendor.request())
    assert set(reasons) == {"PostgreSQL cannot be reached (password authentication failed)"}


def test_a_malformed_connection_string_is_not_quoted(vendor, monkeypatch):
    """libpq takes what stands after the first @ for the host, and quotes it."""
    monkeypatch.setenv("VENDOR_DSN", f"postgresql://admin:p@{PASSWORD}@127.0.0.1/app")
    unavailable(vendor.issuer(), vendor.request())


def test_a_connection_string_that_is_gone(vendor, monkeypatch):
    issuer = vendor.issuer()
    monkeypatch.delenv("VENDOR_DSN")
    assert set(unavailable(issuer, vendor.request())) == {
        "the environment variable VENDOR_DSN is not set: set it, or name another one"
    }


def test_a_group_that_does_not_exist(vendor):
    with pytest.raises(IssueFailed, match="'no_such_group' does not exist"):
        vendor.issuer(groups=["no_such_group"]).issue(vendor.request())


def test_a_group_that_is_a_superuser(vendor):
    with pytest.raises(IssueFailed, match="is a superuser"):
        vendor.issuer(groups=["postgres"]).issue(vendor.request())


def test_an_administrator_without_the_right_to_make_roles(vendor, monkeypatch):
    monkeypatch.setenv("VENDOR_DSN", vendor.server.conninfo("credservice", "credservice"))
    request = vendor.request()
    with pytest.raises(IssueFailed, match="PostgreSQL answered: permission denied"):
        vendor.issuer().issue(request)
    assert vendor.one("SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", f"%{request.credential_id[:8]}%") == 0


def test_a_group_that_the_administrator_may_not_grant_leaves_no_role(vendor):
    if "credservice_admin" not in vendor.dsn:
        pytest.skip("a superuser may grant everything")
    with vendor.superuser() as connection:
        connection.execute(f"CREATE ROLE {(group := f'g{uuid4().hex}')}")
    request = vendor.request()
    with pytest.raises(IssueFailed, match="permission denied to grant role"):
        vendor.issuer(groups=[group]).issue(request)
    assert vendor.one("SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", f"%{request.credential_id[:8]}%") == 0


def test_a_held_lock_is_not_waited_for(vendor, monkeypatch):
    monkeypatch.setattr("credservice.issuers.postgresql.connection.LOCK_SECONDS", 1)
    issuer, request = vendor.issuer(), vendor.request()
    name = issuer.issue(request).values["PGUSER"]
    with vendor.superuser() as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"credservice {name}"])
        with pytest.raises(IssuerUnavailable, match="lock timeout"):
            issuer.issue(request)


def test_objects_that_somebody_uses_put_the_revocation_off(vendor, monkeypatch):
    monkeypatch.setattr("credservice.issuers.postgresql.connection.LOCK_SECONDS", 1)
    issuer, request, schema = vendor.issuer(), vendor.request(), f"s{uuid4().hex}"
    issued = issuer.issue(request)
    with vendor.login(issued) as session:
        session.execute(f"CREATE SCHEMA {schema}")
        session.execute(f"CREATE TABLE {schema}.t ()")
    with vendor.superuser() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {schema}.t")
        with pytest.raises(IssuerUnavailable, match="lock timeout"):
            issuer.revoke(request.credential_id, request.options, {})
    with pytest.raises(psycopg.OperationalError):
        vendor.login(issued)
    issuer.revoke(request.credential_id, request.options, {})


def test_rights_that_others_gave_need_a_superuser_and_are_named(vendor):
    issuer, request, table = vendor.issuer(), vendor.request(), f"t{uuid4().hex}"
    issued = issuer.issue(request)
    with vendor.superuser("reports") as connection:
        connection.execute(f"CREATE TABLE {table} ()")
        connection.execute(f"GRANT SELECT ON {table} TO {issued.values['PGUSER']}")
    if "credservice_admin" in vendor.dsn:
        with pytest.raises(IssuerUnavailable, match=r"\(1 object in database reports\)"):
            issuer.revoke(request.credential_id, request.options, {})
        with pytest.raises(psycopg.OperationalError):
            vendor.login(issued)
        with vendor.superuser("reports") as connection:
            connection.execute(f"REVOKE ALL ON {table} FROM {issued.values['PGUSER']}")
    issuer.revoke(request.credential_id, request.options, {})
    assert not issuer.check(request.credential_id, request.options, {})


def test_an_object_with_a_system_functions_name_is_not_called(vendor):
    """A customer's schema in the administrator's search path must not run with the administrator's rights."""
    with vendor.superuser() as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION public.pg_terminate_backend(int4, int4) RETURNS bool "
            "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$"
        )
        connection.execute("ALTER DATABASE app SET search_path = public, pg_catalog")
    try:
        issuer, request = vendor.issuer(), vendor.request()
        session = vendor.login(issuer.issue(request))
        issuer.revoke(request.credential_id, request.options, {})
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    finally:
        with vendor.superuser() as connection:
            connection.execute("ALTER DATABASE app RESET search_path")
            connection.execute("DROP FUNCTION public.pg_terminate_backend(int4, int4)")


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"dsn": "postgresql://admin:secret@host/app"}, "env:NAME or file:PATH"),
        ({"dsn": "env:NOT_SET"}, "NOT_SET is not set"),
        ({"dsn": "env:NO_DSN"}, "holds no PostgreSQL connection string"),
        ({"databases": []}, "databases must be a list"),
        ({"databases": "app"}, "databases must be a list"),
        ({"groups": []}, "groups must be a list"),
        ({"groups": [""]}, "groups must be a list"),
        ({"heir": 7}, "heir must be"),
    ],
)
def test_options_that_cannot_work_are_refused(monkeypatch, changes, phrase):
    monkeypatch.setenv("VENDOR_DSN", "postgresql://admin:secret@host/app")
    monkeypatch.setenv("NO_DSN", "secret in the wrong place")
    given = {"dsn": "env:VENDOR_DSN", "databases": ["app"], "groups": ["app_group"]} | changes
    with pytest.raises(OptionsError, match=phrase) as caught:
        PostgreSQLIssuer(**given)
    assert "secret in" not in str(caught.value)
    assert "admin:secret" not in str(caught.value)
