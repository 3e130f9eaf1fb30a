"""Issues and revokes login roles as OPTIONS allow, and translates the server's errors.

OPTIONS: ``dsn``, a reference of the administrator's connection string; ``databases`` and ``groups`` that policies may
choose from, the default first; ``heir``, the role that gets a removed role's objects (the first group).
Policy options: :mod:`credservice.issuers.postgresql.options`.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict

from credservice.core.api_keys import ALPHABET
from credservice.core.secret_references import UnreadableReference, resolve_reference
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, IssuerUnavailable
from credservice.issuers.options import Option, OptionsError
from credservice.issuers.postgresql import roles
from credservice.issuers.postgresql.connection import Connection, connect, explain, passwords
from credservice.issuers.postgresql.options import RoleOptions, declare
from credservice.issuers.postgresql.scram import verifier

PASSWORD_CHARACTERS = 32  # 190 random bits
ISSUE_SECONDS = 10.0
REVOKE_SECONDS = 60.0  # giving away what a customer made may take a while, and nobody waits for it
# Asking again does not help: no right (42501, 0LP01), no such role (42704), no such database (3D000).
_FINAL = frozenset({"42501", "0LP01", "42704", "3D000"})


class PostgreSQLIssuer(Issuer):
    about = "A login role of its own on your PostgreSQL, in a group to which you gave its rights."
    can_check = True

    def __init__(self, *, dsn: str, databases: list[str], groups: list[str], heir: str | None = None) -> None:
        for name, given in (("databases", databases), ("groups", groups)):
            if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
                raise OptionsError(f"{name} must be a list of names, the default first")
        if heir is not None and not isinstance(heir, str):
            raise OptionsError("heir must be the name of a role")
        self._reference, self._databases, self._groups, self._heir = dsn, databases, groups, heir or groups[0]
        try:
            self._dsn()
        except UnreadableReference as error:
            raise OptionsError(f"dsn: {error}") from None

    def policy_options(self) -> tuple[Option, ...]:
        return declare(self._databases, self._groups)

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self._read(options).names.values())

    def issue(self, request: IssueRequest) -> Issued:
        """A role, and a new password at each call: that of an interrupted attempt was handed out to nobody."""
        options = self._read(request.options)
        password = "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_CHARACTERS))
        expires_at = None if request.lifetime is None else timezone.now() + request.lifetime
        stored = verifier(password)
        with _issuing([*self._secrets(), password, stored]), self._connection(ISSUE_SECONDS) as connection:
            name = roles.find(connection, request.credential_id)
            name = name or roles.role_name(options.prefix, request.credential_id)
            roles.make(
                connection,
                name,
                group=options.group,
                verifier=stored,
                valid_until=expires_at,
                limit=options.connection_limit,
            )
        return Issued(values=options.values(name, password), expires_at=expires_at, hint=name, handle={"role": name})

    def check(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> bool:
        with _revoking(self._secrets()), self._connection(ISSUE_SECONDS) as connection:
            return roles.may_log_in(connection, credential_id)

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        with _revoking(self._secrets()), self._connection(REVOKE_SECONDS) as connection:
            name = roles.find(connection, credential_id)
            if name is not None:
                roles.remove(connection, name, heir=self._heir, at=self._at)

    def _read(self, options: Mapping[str, Any]) -> RoleOptions:
        return RoleOptions.read(options, self._databases, self._groups)

    def _at(self, database: str) -> Any:
        return self._connection(REVOKE_SECONDS, database)

    @contextmanager
    def _connection(self, seconds: float, database: str | None = None) -> Iterator[Connection]:
        with connect(self._current_dsn(), seconds=seconds, database=database) as connection:
            yield connection

    def _current_dsn(self) -> str:
        try:
            return self._dsn()
        except UnreadableReference as error:
            raise IssuerUnavailable(str(error), retry_after=60) from None

    def _secrets(self) -> list[str]:
        return passwords(self._current_dsn())

    def _dsn(self) -> str:
        dsn = resolve_reference(self._reference)
        try:
            conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            raise UnreadableReference(f"{self._reference} holds no PostgreSQL connection string") from None
        return dsn


@contextmanager
def _issuing(secrets: Sequence[str]) -> Iterator[None]:
    """Errors as :meth:`Issuer.issue` documents them; the chain is cut, its frames hold the connection string."""
    try:
        yield
    except roles.RoleRefused as error:
        raise IssueFailed(str(error)) from None
    except psycopg.Error as error:
        if error.sqlstate in _FINAL:
            raise IssueFailed(explain(error, secrets)) from None
        raise IssuerUnavailable(explain(error, secrets)) from None


@contextmanager
def _revoking(secrets: Sequence[str]) -> Iterator[None]:
    """A revocation is never given up: whatever is wrong, it is asked again."""
    try:
        yield
    except roles.SessionsRemain as error:
        raise IssuerUnavailable(str(error)) from None
    except psycopg.Error as error:
        raise IssuerUnavailable(explain(error, secrets), retry_after=30) from None
