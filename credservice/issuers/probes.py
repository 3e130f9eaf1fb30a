"""Tries out a new credential, after it was made and before it is handed out.

``{"type": "postgresql", "value": "DATABASE_URL"}`` logs in with the connection string in that value.
``{"type": "http", "url": "https://api.example.com/me", "header": "Authorization: Bearer {TOKEN}", "expect": 200}``
sends one GET, the values named in braces filled in, and wants that status.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from credservice.http.addresses import AddressRefused, NameNotFound, checked_addresses
from credservice.http.outgoing import check_url
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.calls import call
from credservice.issuers.options import Number, Option, OptionsError, Text, check_declared, is_text, that
from credservice.issuers.postgresql.connection import connect, explain, passwords

SECONDS = 5.0
SHORTEST_SECRET = 8  # of the values; shorter ones are ports, and words of any message. A password counts at any length
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,63}): ([\x20-\x7e]*)")
_VALUE = re.compile(r"\{([^{}]+)\}")
_NOT_OURS_TO_SET = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class ProbeFailed(Exception):
    """The credential does not work. The message holds no secret."""


@dataclass(frozen=True)
class Probe:
    """A kind of trial. ``check`` raises OptionsError where it could not be run on values of these names."""

    about: str
    options: tuple[Option, ...]
    check: Callable[[Mapping[str, Any], tuple[str, ...]], None]
    run: Callable[[Mapping[str, Any], Mapping[str, str]], None]


def check_probe(probe: Any, value_names: tuple[str, ...]) -> None:
    """Raise :class:`OptionsError` where this probe could not be run on credentials with these values."""
    kind = probe.get("type") if isinstance(probe, dict) else None
    if not isinstance(kind, str) or kind not in PROBES:
        raise OptionsError(f'a probe is a JSON object with a "type", one of {", ".join(sorted(PROBES))}')
    options = {name: value for name, value in probe.items() if name != "type"}
    check_declared(PROBES[kind].options, options)
    PROBES[kind].check(options, value_names)


def run_probe(probe: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Try the values. Raises :class:`ProbeFailed`, or :class:`IssuerUnavailable` where nobody answers."""
    PROBES[probe["type"]].run(probe, values)


def _check_postgresql(options: Mapping[str, Any], value_names: tuple[str, ...]) -> None:
    if options["value"] not in value_names:
        names = ", ".join(value_names)
        raise OptionsError(f"value must name the value with the connection URL, one of {names}", "value")


def _run_postgresql(probe: Mapping[str, Any], values: Mapping[str, str]) -> None:
    conninfo = _conninfo(values[probe["value"]])
    secrets = [*passwords(conninfo), *(value for value in values.values() if len(value) >= SHORTEST_SECRET)]
    try:
        with connect(conninfo, seconds=SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        # The server itself refuses with FATAL; anything else is the way to it.
        refused = "FATAL" in str(error) and "the database system is" not in str(error)
        raise (ProbeFailed if refused else IssuerUnavailable)(
            f"the trial login failed: {explain(error, secrets)}"
        ) from None


def _conninfo(url: str) -> str:
    """Keep what the URL says of place and login, and nothing else: its other parameters could name files of ours.

    The host is checked like that of every request of ours; libpq connects to the address that was checked.
    """
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        host, port = parts.hostname or query.get("host", ""), parts.port or int(query.get("port", 5432))
    except ValueError:
        raise ProbeFailed("the value for the trial login is no connection URL") from None
    # Of a list of hosts, libpq would try those as well that nobody has checked.
    if parts.scheme not in ("postgresql", "postgres") or not host or "," in host:
        raise ProbeFailed("the value for the trial login is no connection URL")
    return make_conninfo(
        **_place(host, port),
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        dbname=unquote(parts.path.removeprefix("/")),
        sslmode=query.get("sslmode", "prefer"),
    )


def _place(host: str, port: int) -> dict[str, str]:
    # A socket's folder is a place on this machine, allowed where loopback is.
    socket, name = host.startswith("/"), "127.0.0.1" if host.startswith("/") else host
    try:
        addresses = checked_addresses(name, port, plaintext=socket, seconds=SECONDS)
    except AddressRefused as error:
        raise ProbeFailed(f"the trial login is not made: {error}") from None
    except NameNotFound as error:
        raise IssuerUnavailable(f"the trial login failed: {error}") from None
    return {"host": host} if socket else {"host": host, "hostaddr": addresses[0]}


def _check_header(value: Any) -> None:
    header = _HEADER.fullmatch(value) if isinstance(value, str) else None
    if header is None or header[1].lower() in _NOT_OURS_TO_SET:
        raise ValueError('must be a header with a value in braces, such as "Authorization: Bearer {TOKEN}"')


def _check_http(options: Mapping[str, Any], value_names: tuple[str, ...]) -> None:
    named = _VALUE.findall(options["header"].partition(": ")[2])
    if not named or not set(named) <= set(value_names):
        raise OptionsError(f"header must name, in braces, some of {', '.join(value_names)}", "header")


def _run_http(probe: Mapping[str, Any], values: Mapping[str, str]) -> None:
    name, _, template = probe["header"].partition(": ")
    filled = _VALUE.sub(lambda found: values[found[1]], template)
    if not filled.isascii() or not filled.isprintable():
        raise ProbeFailed("a value cannot stand in a header")
    try:
        answer = call("GET", probe["url"], seconds=SECONDS, headers={name: filled})
    except IssueFailed as error:
        raise ProbeFailed(f"the trial request failed: {error}") from None
    expected = probe.get("expect", 200)
    if answer.status_code != expected:
        raise ProbeFailed(f"{answer.url.host} answered {answer.status_code} to the trial request, not {expected}")


_URL_VALUE = Text(that(is_text, "must name the value with the connection URL"))
PROBES: Mapping[str, Probe] = {
    "http": Probe(
        "Send one GET with its values, and look at the answer's status.",
        (
            Option("url", Text(check_url), "Where to, such as https://api.example.com/me.", required=True),
            Option(
                "header",
                Text(_check_header),
                "With the names of values in braces, such as Authorization: Bearer {TOKEN}.",
                required=True,
            ),
            Option("expect", Number(200, 499), "The status that a good credential gets.", default=200),
        ),
        _check_http,
        _run_http,
    ),
    "postgresql": Probe(
        "Log in to PostgreSQL with it.",
        (Option("value", _URL_VALUE, "The name of the value that holds the connection URL.", required=True),),
        _check_postgresql,
        _run_postgresql,
    ),
}
