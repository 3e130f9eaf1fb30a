"""Reads which values occur in the audit log, by jumping through an index: a line is never counted."""

from django.db import connection

MAX_VALUES = 500

# Of a column, the first value from a text on, then the next one, and so on.
_VALUES = """
WITH RECURSIVE found AS (
    (SELECT {column} AS value FROM audit_auditevent WHERE {column} >= %(begin)s{only} ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM audit_auditevent WHERE {column} > found.value{only} ORDER BY 1 LIMIT 1)
    FROM found WHERE starts_with(found.value, %(begin)s)
)
SELECT value FROM found WHERE starts_with(value, %(begin)s) LIMIT %(most)s
"""
# Written so that the planner cannot turn it into a join that reads the table.
_KNOWN = """
SELECT name FROM unnest(%(names)s::text[]) AS name
WHERE (SELECT {column} FROM audit_auditevent WHERE {column} >= name{only} ORDER BY {column} LIMIT 1) = name
"""
_REASONS = """
SELECT DISTINCT reason FROM (
    (SELECT reason FROM audit_auditevent WHERE outcome = 'refused' ORDER BY id DESC LIMIT %(newest)s)
    UNION ALL
    (SELECT reason FROM audit_auditevent WHERE outcome = 'failed' ORDER BY id DESC LIMIT %(newest)s)
) AS lines WHERE reason <> ''
"""
# What the column's index leaves out.
_ONLY = {"object_type": " AND object_type NOT IN ('', 'credential')", "subject": " AND subject <> ''"}


def values_of(column: str, begin: str = "") -> list[str]:
    """List the values that occur in ``column``, no more than ``MAX_VALUES``; with ``begin``, those that begin so."""
    return _ask(_VALUES, column, begin=begin, most=MAX_VALUES)


def known(column: str, names: list[str]) -> list[str]:
    """Find those of ``names`` that occur in ``column``."""
    return _ask(_KNOWN, column, names=names) if names else []


def newest_reasons(newest: int = 1000) -> list[str]:
    """List the reasons of the newest lines that were refused or failed: reasons have no index."""
    return _ask(_REASONS, "", newest=newest)


def _ask(statement: str, column: str, **values: str | int | list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(column=column, only=_ONLY.get(column, "")), values)
        return [row[0] for row in cursor.fetchall()]
