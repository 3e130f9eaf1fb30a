"""Reads what a policy chooses, and writes the values that its credentials have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from credservice.issuers.options import (
    Choice,
    Number,
    Option,
    Pairs,
    Text,
    check_declared,
    refuse_value_name,
    that,
    with_defaults,
)

DEFAULT_NAMES = {"url": "DATABASE_URL"} | {
    field: f"PG{field.upper()}" for field in ("host", "port", "database", "user", "password")
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# With an underscore and 32 digits, a role's name has at most 63 bytes (PostgreSQL's NAMEDATALEN).
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,29}")
_HOST = re.compile(r"/[^\x00?#&]{1,200}|[A-Za-z0-9._:-]{1,253}")
MAX_CONNECTIONS = 10_000


def _check_names(names: Any) -> None:
    if not isinstance(names, Mapping) or not set(names) <= set(DEFAULT_NAMES):
        raise ValueError(f"must give names to some of: {', '.join(DEFAULT_NAMES)}")
    for field, name in names.items():
        refuse_value_name(f"the one of {field}", name, field)
    if len(set(names.values())) < len(names):
        raise ValueError("must give a different name to each value")
    if "url" not in names and not {"user", "password"} <= set(names):
        raise ValueError("must give a name to url, or to user and password")


def _is_host(value: Any) -> bool:
    return isinstance(value, str) and _HOST.fullmatch(value) is not None


def _is_prefix(value: Any) -> bool:
    return isinstance(value, str) and _PREFIX.fullmatch(value) is not None and not value.startswith("pg_")


def declare(databases: Sequence[str], groups: Sequence[str]) -> tuple[Option, ...]:
    """Declare the options of a policy that may choose from these, the default first."""
    return (
        Option(
            "host",
            Text(that(_is_host, "must be the name or address that the customer connects to")),
            "As the customer sees the server: a name, an address, or a socket's folder.",
            required=True,
        ),
        Option("port", Number(1, 65_535), "As the customer sees it.", default=5432),
        Option("database", Choice(databases), "Those that the issuer's settings allow.", default=databases[0]),
        Option("group", Choice(groups), "The role whose rights each login has.", default=groups[0]),
        Option(
            "prefix",
            Text(
                that(
                    _is_prefix,
                    "must be 1 to 30 lower-case letters, digits and underscores, a letter first, not pg_",
                )
            ),
            "Role names begin with it; 32 digits follow.",
            default="cs",
        ),
        Option("connection_limit", Number(1, MAX_CONNECTIONS), "Sessions of one role at a time.", default=20),
        Option("sslmode", Choice(SSL_MODES), "In the connection URL.", default="require"),
        Option(
            "names",
            Pairs(_check_names),
            "The values of a credential and their names, one a line, such as url = DATABASE_URL. At least the URL, or "
            "user and password.",
            default=DEFAULT_NAMES,
        ),
    )


@dataclass(frozen=True)
class RoleOptions:
    """A policy's options, checked. ``host`` and ``port`` are those that the customer connects to."""

    database: str
    group: str
    host: str
    port: int
    prefix: str
    connection_limit: int
    sslmode: str
    names: Mapping[str, str]

    @classmethod
    def read(cls, options: Mapping[str, Any], databases: list[str], groups: list[str]) -> "RoleOptions":
        """Raises :class:`OptionsError`."""
        declared = declare(databases, groups)
        check_declared(declared, options)
        return cls(**with_defaults(declared, options))

    def values(self, user: str, password: str) -> dict[str, str]:
        """The values by their names: the URL and its parts."""
        fields = {"host": self.host, "port": str(self.port), "database": self.database}
        fields |= {"user": user, "password": password, "url": self._url(user, password)}
        return {name: fields[field] for field, name in self.names.items()}

    def _url(self, user: str, password: str) -> str:
        database = quote(self.database, safe="")
        if self.host.startswith("/"):  # a socket's folder: no TLS there
            return f"postgresql://{user}:{password}@/{database}?host={quote(self.host, safe='')}&port={self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{user}:{password}@{host}:{self.port}/{database}?sslmode={self.sslmode}"
