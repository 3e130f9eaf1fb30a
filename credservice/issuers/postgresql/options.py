"""Reads what a policy chooses, and writes the values that its credentials have."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from credservice.issuers.base import OptionsError, is_value_name, only

DEFAULT_NAMES = {"url": "DATABASE_URL"} | {
    field: f"PG{field.upper()}" for field in ("host", "port", "database", "user", "password")
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# With an underscore and 32 digits, a role's name has at most 63 bytes (PostgreSQL's NAMEDATALEN).
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,29}")
_HOST = re.compile(r"/[^\x00?#&]{1,200}|[A-Za-z0-9._:-]{1,253}")
MAX_CONNECTIONS = 10_000


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
        only(options, set(cls.__annotations__))
        read = cls(
            database=options.get("database", databases[0]),
            group=options.get("group", groups[0]),
            host=options.get("host", ""),
            port=options.get("port", 5432),
            prefix=options.get("prefix", "cs"),
            connection_limit=options.get("connection_limit", 20),
            sslmode=options.get("sslmode", "require"),
            names=options.get("names", DEFAULT_NAMES),
        )
        read._check(databases, groups)
        return read

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

    def _check(self, databases: list[str], groups: list[str]) -> None:
        if self.database not in databases:
            raise OptionsError(f"database must be one of {', '.join(databases)}")
        if self.group not in groups:
            raise OptionsError(f"group must be one of {', '.join(groups)}")
        if not isinstance(self.host, str) or not _HOST.fullmatch(self.host):
            raise OptionsError("host must be the name or address that the customer connects to")
        _check_number("port", self.port, 65_535)
        _check_number("connection_limit", self.connection_limit, MAX_CONNECTIONS)
        if not isinstance(self.prefix, str) or not _PREFIX.fullmatch(self.prefix) or self.prefix.startswith("pg_"):
            raise OptionsError(
                "prefix must be 1 to 30 lower-case letters, digits and underscores, a letter first, not pg_"
            )
        if self.sslmode not in SSL_MODES:
            raise OptionsError(f"sslmode must be one of {', '.join(SSL_MODES)}")
        _check_names(self.names)


def _check_number(name: str, value: Any, highest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise OptionsError(f"{name} must be a number from 1 to {highest}")


def _check_names(names: Any) -> None:
    if not isinstance(names, Mapping) or not set(names) <= set(DEFAULT_NAMES):
        raise OptionsError(f"names must give names to some of: {', '.join(DEFAULT_NAMES)}")
    if not all(is_value_name(name) for name in names.values()) or len(set(names.values())) < len(names):
        raise OptionsError("names must give a different name to each value")
    if "url" not in names and not {"user", "password"} <= set(names):
        raise OptionsError("names must give a name to url, or to user and password")
