"""What tests of several issuers share."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from credservice.issuers.postgresql.scram import verifier
from credservice.local.postgres import EmbeddedPostgres
from tests.issuers.postgresql_vendor import DATABASES, Vendor


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
