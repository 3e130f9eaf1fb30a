"""Makes, looks at and removes login roles. Every step can be repeated; ``psycopg.sql`` alone quotes names."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from psycopg import sql

from credservice.issuers.postgresql.connection import Connection

TERMINATE_MILLISECONDS = 5000
_INHERIT_OPTION_SINCE = 160000


class RoleRefused(Exception):
    """The role cannot be made like this."""


class SessionsRemain(Exception):
    """Sessions of the role did not end."""


def role_name(prefix: str, credential_id: str) -> str:
    """The same for each repeat; random, as the credential's id is. At most 63 bytes."""
    return f"{prefix}_{_suffix(credential_id)}"


def find(connection: Connection, credential_id: str) -> str | None:
    """The role of this credential, whatever prefix its policy had when it was made."""
    # The 32 digits are random: no other role ends with them.
    query = "SELECT rolname FROM pg_roles WHERE right(rolname, 33) = %s"
    row = connection.execute(query, ["_" + _suffix(credential_id)]).fetchone()
    return None if row is None else str(row[0])


def may_log_in(connection: Connection, credential_id: str) -> bool:
    name = find(connection, credential_id)
    query = "SELECT rolcanlogin AND coalesce(rolvaliduntil > now(), true) FROM pg_roles WHERE rolname = %s"
    row = connection.execute(query, [name]).fetchone()
    return row is not None and bool(row[0])


def make(
    connection: Connection, name: str, *, group: str, verifier: str, valid_until: datetime | None, limit: int
) -> None:
    """A login role, member of ``group``: new, or what an interrupted attempt left, with a new password.

    Raises :class:`RoleRefused`.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"credservice {name}"])
        _check_group(connection, group)
        exists = _one(connection, "SELECT count(*) FROM pg_roles WHERE rolname = %s", name)
        statement = sql.SQL(
            "{verb} ROLE {name} LOGIN CONNECTION LIMIT {limit} PASSWORD {verifier} VALID UNTIL {until}"
        ).format(
            verb=sql.SQL("ALTER" if exists else "CREATE"),
            name=sql.Identifier(name),
            limit=sql.Literal(limit),
            verifier=sql.Literal(verifier),
            until=sql.Literal(valid_until.isoformat() if valid_until else "infinity"),
        )
        connection.execute(statement)
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))


def remove(
    connection: Connection, name: str, *, heir: str, at: Callable[[str], AbstractContextManager[Connection]]
) -> None:
    """End a role: no more logins, no more sessions, what it owned goes to ``heir``, no role.

    ``at(database)`` connects to another database of the server. Raises :class:`SessionsRemain`.
    """
    role = sql.Identifier(name)
    connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
    _join(connection, role, name)
    _end_sessions(connection, name)
    for database in _databases(connection, name):
        with at(database) as there:
            there.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, sql.Identifier(heir)))
            there.execute(sql.SQL("DROP OWNED BY {}").format(role))
    # Again, for a login that was under way when the first step was committed.
    _end_sessions(connection, name)
    connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))


def _check_group(connection: Connection, group: str) -> None:
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [group]).fetchone()
    if row is None:
        raise RoleRefused(f"the group role {group!r} does not exist on the server")
    if row[0]:
        raise RoleRefused(f"the group role {group!r} is a superuser; its members could become one")


def _join(connection: Connection, role: sql.Identifier, name: str) -> None:
    """To end its sessions and give its objects away, an administrator who is no superuser must be a member of it."""
    if _one(connection, "SELECT pg_has_role(current_user, %s, 'USAGE')", name):
        return
    explicit = connection.info.server_version >= _INHERIT_OPTION_SINCE
    options = sql.SQL(" WITH INHERIT TRUE, SET TRUE" if explicit else "")
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER{}").format(role, options))


def _end_sessions(connection: Connection, name: str) -> None:
    of_role = "FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
    connection.execute(f"SELECT pg_terminate_backend(pid, {TERMINATE_MILLISECONDS}) {of_role}", [name])
    if _one(connection, f"SELECT count(*) {of_role}", name):
        raise SessionsRemain(f"sessions of {name} did not end")


def _databases(connection: Connection, name: str) -> list[str]:
    """Find where the role owns something or has rights, by the server's list; the current one for what is nowhere."""
    query = """
        SELECT DISTINCT coalesce(datname, current_database())
        FROM pg_shdepend LEFT JOIN pg_database ON pg_database.oid = dbid
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %s)
    """
    return sorted(str(row[0]) for row in connection.execute(query, [name]))


def _one(connection: Connection, query: str, name: str) -> object:
    row = connection.execute(query, [name]).fetchone()
    return None if row is None else row[0]


def _suffix(credential_id: str) -> str:
    return credential_id.replace("-", "")
