"""Reads the address of a PostgreSQL. What it refuses is never quoted: the address holds a password."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import environ
from psycopg.pq import Conninfo

_FORM = (
    "Write postgres://USER:PASSWORD@HOST:PORT/NAME, special characters of the password percent-encoded "
    "(@ is %40, / is %2F, ? is %3F, # is %23)."
)
# Django's own, which are no connection parameters of PostgreSQL.
_OF_DJANGO = {"assume_role", "conn_health_checks"}
_SECRET = {"password", "sslpassword"}
# A server that only reads is no use to us. And what a network that is cut would hold up, for the kernel's quarter of an
# hour or more, ends after seconds: making a connection, waiting for an acknowledgement, waiting for an answer.
_DEFAULTS = {
    "target_session_attrs": "read-write",
    "connect_timeout": 3,
    "tcp_user_timeout": 6000,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}
_AUTHORITY = re.compile(r"[^/?#]*")


class UnreadableAddress(ValueError):
    """Says what is wrong in a phrase that follows the setting's name."""


def read_database_url(url: str) -> dict[str, Any]:
    """Read it as an entry of Django's ``DATABASES``. Raises :class:`UnreadableAddress`."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgres", "postgresql"):
        raise UnreadableAddress(f"cannot be read. {_FORM}")
    authority = _AUTHORITY.match(rest)
    assert authority is not None
    _check_form(authority[0], rest[authority.end() :])
    try:
        _check_parameters(rest.partition("?")[2])
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except UnreadableAddress:
        raise
    except ValueError:
        raise UnreadableAddress(f"cannot be read. {_FORM}") from None
    if not config["NAME"] and "service" not in config.get("OPTIONS", {}):
        raise UnreadableAddress(f"names no database. {_FORM}")
    config["OPTIONS"] = _DEFAULTS | config.get("OPTIONS", {})
    return config


def _check_form(authority: str, rest: str) -> None:
    """Find an unescaped password by what it leaves behind: its tail is taken for a path, a query or a fragment."""
    host = authority.rpartition("@")[2]
    is_torn = "@" in rest or "#" in rest or (rest.startswith("//") and host)  # "//" begins a socket's folder
    try:
        unquote(authority, errors="strict")
    except UnicodeDecodeError:
        is_torn = True
    if is_torn:
        raise UnreadableAddress(f"cannot be read. {_FORM}")


def _check_parameters(query: str) -> None:
    """Raises ValueError for what is no ``NAME=VALUE``."""
    given = {name for name, _ in parse_qsl(query, strict_parsing=True)} if query else set()
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | _OF_DJANGO
    unknown = sorted(given - known)
    if unknown:
        # Behind an unescaped "&" a password's tail looks like a parameter's name.
        which = "" if given & _SECRET else f", {unknown[0]!r}"
        raise UnreadableAddress(
            f"has a parameter that PostgreSQL does not know{which}. Take it out: after the ? stand libpq's own, such "
            "as sslmode, connect_timeout and options."
        )
