"""Plays the vendor of the demonstration, so that every issuer has something real to work with.

Its endpoint and its receiver of events (vendor_endpoint.py and event_receiver.py of docs/examples), its
authorization server, and its database: one named `vendor` on the embedded PostgreSQL, with an administrator of its
own. issuers.yaml, beside them, has an integration for each issuer.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from credservice.devserver.demo import EXAMPLES, SetUpFile, write_once
from credservice.devserver.layout import Layout
from credservice.devserver.postgres import EmbeddedPostgres
from credservice.devserver.service import Service

CLIENT = "credservice"
DATABASE, GROUP, ADMIN = "vendor", "vendor_customers", "vendor_admin"
_BACKENDS = "credservice.issuers"


@dataclass(frozen=True)
class Vendor:
    """The vendor's endpoints and database. ``server`` is None where the user brought the database."""

    layout: Layout
    server: EmbeddedPostgres | None
    endpoint_port: int
    authorization_port: int
    events_port: int

    @classmethod
    def prepare(cls, layout: Layout, server: EmbeddedPostgres | None) -> Vendor:
        """Make the secrets, and the database where it is ours to make."""
        kept = layout.var_dir / "demo" / "events.yaml"
        vendor = cls(layout, server, _free_port(), _free_port(), _free_port(_port_in(kept)))
        for name, make in _SECRETS.items():
            write_once(vendor._folder / name, make)
        if server is not None:
            _make_database(server, vendor._folder / "vendor-dsn")
        return vendor

    def settings(self) -> dict[str, str]:
        """Return CREDENTIAL_ISSUERS and PROVISIONERS with the aliases of issuers.yaml and slow.yaml."""
        issuers: dict[str, dict[str, object]] = {
            "demo_vendor": {
                "BACKEND": f"{_BACKENDS}.webhook.WebhookIssuer",
                "OPTIONS": {
                    "url": f"http://127.0.0.1:{self.endpoint_port}/credentials",
                    "secrets": ["file:demo/webhook-secret"],
                    "acts": ["revoke", "check"],
                },
            },
            "demo_authorization": {
                "BACKEND": f"{_BACKENDS}.oauth2.OAuth2Issuer",
                "OPTIONS": {
                    "token_url": f"http://127.0.0.1:{self.authorization_port}/token",
                    "client_id": CLIENT,
                    "client_secret": "file:demo/oauth-client-secret",
                },
            },
        }
        if self.server is not None:
            issuers["demo_database"] = {
                "BACKEND": f"{_BACKENDS}.postgresql.PostgreSQLIssuer",
                "OPTIONS": {"dsn": "file:demo/vendor-dsn", "databases": [DATABASE], "groups": [GROUP]},
            }
        provisioners = {
            "demo_vendor": {
                "url": f"http://127.0.0.1:{self.endpoint_port}/resources",
                "secrets": ["file:demo/webhook-secret"],
            }
        }
        named = {"CREDENTIAL_ISSUERS": issuers, "PROVISIONERS": provisioners}
        return {name: json.dumps(value, separators=(",", ":")) for name, value in named.items()}

    def set_up_files(self) -> list[SetUpFile]:
        """Return what `apply` is to read, once the database has its tables."""
        files = [
            SetUpFile(EXAMPLES / "issuers.yaml"),
            SetUpFile(EXAMPLES / "slow.yaml"),
            self._written("events.yaml", _EVENTS.format(port=self.events_port)),
        ]
        if self.server is not None:
            example = (EXAMPLES / "issuer-postgresql.yaml").read_text()
            socket_folder = str(conninfo_to_dict(self.server.conninfo())["host"])
            filled = example.replace("$SOCKET_FOLDER", json.dumps(socket_folder))
            files.append(self._written("issuer-postgresql.yaml", filled))
        return files

    def _written(self, name: str, text: str) -> SetUpFile:
        path, before = self._folder / name, self._folder / f"before-{name}"
        if path.exists():
            path.replace(before)
        path.write_text(text)
        return SetUpFile(path, before if before.exists() else None)

    def start(self, stack: ExitStack, logs: Path) -> list[Service]:
        """Start its endpoint, its authorization server and its receiver of events, on loopback."""
        endpoint = [sys.executable, str(EXAMPLES / "vendor_endpoint.py"), str(self.endpoint_port)]
        tokens = [sys.executable, "-m", "credservice.devserver.authorization_server", str(self.authorization_port)]
        receiver = [sys.executable, str(EXAMPLES / "event_receiver.py"), str(self.events_port)]
        webhook_secret = (self._folder / "webhook-secret").read_text()
        events_secret = (self._folder / "events-secret").read_text()
        client_secret = (self._folder / "oauth-client-secret").read_text()
        log = logs / "vendor.log"
        return [
            stack.enter_context(
                Service("vendor's endpoint", endpoint, log, needed=False, WEBHOOK_SECRET=webhook_secret)
            ),
            stack.enter_context(
                Service("vendor's authorization server", tokens, log, needed=False, CLIENT_SECRET=client_secret)
            ),
            stack.enter_context(
                Service("vendor's receiver of events", receiver, log, needed=False, EVENTS_SECRET=events_secret)
            ),
        ]

    @property
    def _folder(self) -> Path:
        return self.layout.var_dir / "demo"


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


_SECRETS: dict[str, Callable[[], str]] = {
    "issuers-signing-secret": lambda: secrets.token_urlsafe(32),
    "oauth-client-secret": lambda: secrets.token_urlsafe(32),
    "webhook-secret": _webhook_secret,
    "events-secret": _webhook_secret,
}

# The port stays, as long as nobody else takes it between two starts.
_EVENTS = """event_endpoints:
  demo-vendor:
    url: http://127.0.0.1:{port}/events
    description: The vendor of make run; GET shows the last ones
    signing_secret: file:demo/events-secret
"""


def _make_database(server: EmbeddedPostgres, dsn: Path) -> None:
    """As docs/issuers/postgresql.md says: a group, an administrator that is no superuser, a database."""
    write_once(dsn, lambda: secrets.token_urlsafe(32))
    kept = dsn.read_text()
    # The socket's folder may be another one at each start; the password stays.
    password = str(conninfo_to_dict(kept)["password"]) if "=" in kept else kept
    dsn.write_text(server.conninfo(ADMIN, DATABASE, password))
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            return
        verifier = connection.pgconn.encrypt_password(password.encode(), ADMIN.encode(), b"scram-sha-256").decode()
        group, admin, database = map(sql.Identifier, (GROUP, ADMIN, DATABASE))
        for role, form in (
            (GROUP, "CREATE ROLE {0} NOLOGIN"),
            (ADMIN, "CREATE ROLE {1} LOGIN CREATEROLE PASSWORD {2}"),
        ):
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL(form).format(group, admin, sql.Literal(verifier)))
        connection.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(group, admin))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, admin))


def _free_port(wanted: int = 0) -> int:
    """Find a port that nobody listens at: the wanted one, where it is free."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
        except OSError:
            return _free_port()
        port: int = listener.getsockname()[1]
        return port


def _port_in(file: Path) -> int:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", file.read_text()) if file.exists() else None
    return int(found[1]) if found else 0
