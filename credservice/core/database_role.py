"""Writes the rights that the running service's database role needs, and finds those that it lacks.

Every table is named, and none of the trail's months: a right to one of these would lead past what the trail's own table
allows, such as a line's time of one's own choice.
"""

from typing import NamedTuple

from django.apps import apps
from django.db import connection
from psycopg import sql

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# Of these tables less. A line of the trail gets its number and its time from the database.
_LESS = {
    "audit_auditevent": ("SELECT", "INSERT"),
    "audit_auditevent_rest": ("SELECT",),
    "audit_auditseal": ("SELECT", "INSERT"),
    "django_migrations": ("SELECT",),
}
_COLUMNS = {
    "audit_auditevent": "action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail"
}

_WITHOUT_MODEL = ("limits_window",)

_PLACE = """
SELECT relnamespace::regnamespace::text, relowner::regrole::text FROM pg_class
WHERE oid = to_regclass('django_migrations')
"""
_EXISTING = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL ORDER BY name"
_MONTHS = "SELECT relid::regclass::text FROM pg_partition_tree('audit_auditevent') WHERE level > 0 ORDER BY 1"
_SEQUENCES = """
SELECT objid::regclass::text FROM pg_depend JOIN pg_class ON oid = objid
WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND relkind = 'S'
AND refobjid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name) ORDER BY 1
"""
_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = %s::regnamespace
AND (proname = 'audit_make_partition' OR proname LIKE 'procrastinate\\_%%') ORDER BY 1
"""
_MISSING = """
SELECT format('%%s on %%s', "right", name) FROM unnest(%s::text[], %s::text[]) AS wanted(name, "right")
WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(to_regclass(name), "right")
AND NOT ("right" = 'INSERT' AND has_any_column_privilege(to_regclass(name), "right"))
"""
_MISSING_OF_SEQUENCES = """
SELECT format('USAGE on %%s', name) FROM unnest(%s::text[]) AS name WHERE NOT has_sequence_privilege(name, 'USAGE')
"""


class NoTables(Exception):
    """``migrate`` has not been run."""


class Place(NamedTuple):
    """The schema of our tables and the role that owns them, quoted where they need it."""

    schema: str
    owner: str


def place() -> Place:
    """Raises :class:`NoTables`."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE)
        row = cursor.fetchone()
    if row is None:
        raise NoTables
    return Place(*row)


def grants(role: str) -> list[str]:
    """Write the statements that give ``role`` its rights, for the tables' owner to run. Raises :class:`NoTables`."""
    schema, owner = place()
    to = sql.Identifier(role).as_string(connection.connection)
    tables = _column(_EXISTING, sorted(_wanted()))
    whole = ", ".join(name for name in tables if name not in _LESS)
    statements = [f"SET LOCAL search_path TO {schema}", f"GRANT USAGE ON SCHEMA {schema} TO {to}"]
    statements.append(f"GRANT {', '.join(_RIGHTS)} ON {whole} TO {to}")
    less = [name for name in tables if name in _LESS]
    statements.append(f"REVOKE ALL ON {', '.join(sorted({*less, *_column(_MONTHS)}))} FROM {to}")
    statements += [f"GRANT {_of(name)} ON {name} TO {to}" for name in less]
    statements.append(f"GRANT USAGE ON SEQUENCE {', '.join(_column(_SEQUENCES, tables))} TO {to}")
    statements.append(f"GRANT EXECUTE ON FUNCTION {', '.join(_column(_FUNCTIONS, schema))} TO {to}")
    later = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
    statements += [f"{later} GRANT {', '.join(_RIGHTS)} ON TABLES TO {to}", f"{later} GRANT USAGE ON SEQUENCES TO {to}"]
    return statements


def missing() -> list[str]:
    """Find the rights that our own role lacks, such as "INSERT on exchange_grant", to the tables that there are."""
    wanted = [(name, right) for name, rights in sorted(_wanted().items()) for right in rights]
    names, rights = zip(*wanted, strict=True)
    return _column(_MISSING, list(names), list(rights)) + _column(_MISSING_OF_SEQUENCES, _sequences())


def _wanted() -> dict[str, tuple[str, ...]]:
    models = apps.get_models(include_auto_created=True)
    tables = {*_WITHOUT_MODEL, *(model._meta.db_table for model in models if not model._meta.proxy)}
    return dict.fromkeys(tables, _RIGHTS) | _LESS


def _of(table: str) -> str:
    columns = f" ({_COLUMNS[table]})" if table in _COLUMNS else ""
    return ", ".join(f"{right}{columns if right == 'INSERT' else ''}" for right in _LESS[table])


def _sequences() -> list[str]:
    return _column(_SEQUENCES, sorted(_wanted()))


def _column(statement: str, *parameters: str | list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return [row[0] for row in cursor.fetchall()]
