"""The vendor's server with its group role and two kinds of administrator; and the issuer under test. See conftest."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg

from credservice.devserver.postgres import EmbeddedPostgres
from credservice.issuers.base import Issued, IssueRequest
from credservice.issuers.postgresql import PostgreSQLIssuer

DATABASES = ["app", "reports"]


@dataclass
class Vendor:
    server: EmbeddedPostgres
    dsn: str  # the administrator's

    @property
    def host(self) -> str:
        return str(psycopg.conninfo.conninfo_to_dict(self.dsn)["host"])

    def superuser(self, database: str = "app") -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.server.conninfo("postgres", database), autocommit=True)

    def one(self, query: str, *parameters: object, database: str = "app") -> Any:
        with self.superuser(database) as connection:
            row = connection.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def issuer(self, **options: Any) -> PostgreSQLIssuer:
        return PostgreSQLIssuer(**{"dsn": "env:VENDOR_DSN", "databases": DATABASES, "groups": ["app_group"]} | options)

    def request(self, **changes: Any) -> IssueRequest:
        given = {"credential_id": str(uuid4()), "options": {"host": self.host}, "context": {}}
        return IssueRequest(**given | changes)

    def login(self, issued: Issued, database: str = "app") -> psycopg.Connection[tuple[Any, ...]]:
        values = issued.values
        return psycopg.connect(
            host=self.host, dbname=database, user=values["PGUSER"], password=values["PGPASSWORD"], autocommit=True
        )
