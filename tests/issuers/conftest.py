"""Fixtures that tests of several issuers share."""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from credservice.devserver.postgres import EmbeddedPostgres
from credservice.issuers.postgresql.scram import verifier
from tests.issuers.oauth2_server import CLIENT_ID, CLIENT_SECRET, authorization_server
from tests.issuers.postgresql_vendor import DATABASES, Vendor
from tests.issuers.webhook_vendor import NEW
from tests.support.http_server import Answer, Received, http_server


@pytest.fixture(scope="session")
def vendor_server() -> Iterator[EmbeddedPostgres]:
    """A second PostgreSQL, as the vendor's: its log holds every statement."""
    folder = Path(tempfile.mkdtemp(prefix="vendor-"))
    folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        with server:
            with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET log_statement = 'all'")
                connection.execute("SELECT pg_reload_conf()")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def administrators(vendor_server: EmbeddedPostgres) -> dict[str, str]:
    """Connection strings of two, made as docs/issuers/postgresql.md says."""
    password = secrets.token_urlsafe(24)
    with psycopg.connect(vendor_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE app_group NOLOGIN")
        for database in DATABASES:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO app_group").format(sql.Identifier(database)))
        create = sql.SQL("CREATE ROLE credservice_admin LOGIN CREATEROLE PASSWORD {}")
        connection.execute(create.format(sql.Literal(verifier(password))))
        connection.execute("GRANT app_group TO credservice_admin WITH ADMIN OPTION")
    return {
        "superuser": vendor_server.conninfo("postgres", "app"),
        "createrole": vendor_server.conninfo("credservice_admin", "app", password),
    }


@pytest.fixture(params=["superuser", "createrole"])
def vendor(
    request: pytest.FixtureRequest,
    vendor_server: EmbeddedPostgres,
    administrators: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Vendor:
    """The vendor's server, as seen by either kind of administrator."""
    monkeypatch.setenv("VENDOR_DSN", administrators[request.param])
    return Vendor(vendor_server, administrators[request.param])


@pytest.fixture
def outside(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[None]:
    """Settings that name the issuer ``alias`` of this test, and the real server that it works on."""
    alias = getattr(request.node, "callspec", None) and request.node.callspec.params.get("alias")
    if alias not in _OUTSIDE:
        yield
        return
    for name, value in {"OAUTH_SECRET": CLIENT_SECRET, "WEBHOOK_NEW": NEW}.items():
        monkeypatch.setenv(name, value)
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with _OUTSIDE[alias](request, monkeypatch, settings, tmp_path) as entry:
        settings.CREDENTIAL_ISSUERS = {**settings.CREDENTIAL_ISSUERS, alias: entry}
        yield


@contextmanager
def _webhook(*_: Any) -> Iterator[dict[str, Any]]:
    made: dict[str, dict[str, str]] = {}

    def answer(got: Received) -> Answer:
        message = json.loads(got.body)
        if message["type"] == "credential.revoke":
            return Answer(204 if made.pop(message["id"], None) else 404, b"")
        values = made.setdefault(message["id"], {name: secrets.token_hex(16) for name in message["names"]})
        return Answer(body=json.dumps({"values": values}).encode())

    with http_server(answer) as server:
        options = {"url": server.url, "secrets": ["env:WEBHOOK_NEW"]}
        yield {"BACKEND": "credservice.issuers.webhook.WebhookIssuer", "OPTIONS": options}


@contextmanager
def _postgresql(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, *_: Any) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("VENDOR_DSN", request.getfixturevalue("administrators")["createrole"])
    options = {"dsn": "env:VENDOR_DSN", "databases": DATABASES, "groups": ["app_group"]}
    yield {"BACKEND": "credservice.issuers.postgresql.PostgreSQLIssuer", "OPTIONS": options}


@contextmanager
def _oauth2(_: Any, __: Any, settings: Any, folder: Path) -> Iterator[dict[str, Any]]:
    with authorization_server(folder, settings) as server:
        options = {"token_url": server.url, "client_id": CLIENT_ID, "client_secret": "env:OAUTH_SECRET"}
        yield {"BACKEND": "credservice.issuers.oauth2.OAuth2Issuer", "OPTIONS": options}


_OUTSIDE = {"webhook": _webhook, "postgresql": _postgresql, "oauth2": _oauth2}
