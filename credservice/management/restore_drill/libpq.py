"""Connects past Django to the databases of a drill: production, the server for the scratch database, the copy."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

Config = Mapping[str, Any]  # an entry of Django's DATABASES
ADDRESS = ("HOST", "PORT", "USER", "PASSWORD", "NAME")
_NAMES = dict(zip(ADDRESS, ("host", "port", "user", "password", "dbname"), strict=True))


def parameters(config: Config) -> dict[str, str]:
    """Return libpq's own parameters of it. A server that only reads is good enough."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    found = {name: str(value) for name, value in config.get("OPTIONS", {}).items() if name in known}
    found |= {name: str(config[key]) for key, name in _NAMES.items() if config.get(key)}
    return found | {"target_session_attrs": "any"}


def connect(config: Config) -> psycopg.Connection[Any]:
    """Open a connection that commits each statement. Raises psycopg.OperationalError."""
    return psycopg.connect(**parameters(config), autocommit=True)  # type: ignore[arg-type]


def for_programs(config: Config) -> tuple[str, dict[str, str]]:
    """Return it as PostgreSQL's programs take it, and the variables with what no list of processes may show."""
    found = parameters(config)
    password = found.pop("password", "")
    return make_conninfo(**found), {"PGPASSWORD": password} if password else {}


def same_address(one: Config, other: Config) -> bool:
    return all(str(one.get(key) or "") == str(other.get(key) or "") for key in ("HOST", "PORT", "NAME"))


def identity(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """Identify a database by the server that runs it: a base backup keeps the system identifier of its original."""
    found = connection.execute("SELECT pg_postmaster_start_time(), current_database()").fetchone()
    assert found is not None
    return tuple(found)
