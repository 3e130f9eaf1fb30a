"""Finds what a migration must not do while the release before it is at work on a table of millions of rows.

The SQL of a migration is judged by squawk. What SQL does not show, work on rows in the migration's own transaction, is
found here. A migration may carry ``allowed``, a rule with the reason why it does no harm there.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import connection
from django.db.migrations import Migration, RunPython, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SQUAWK = Path(sys.executable).with_name("squawk")
OLDEST_POSTGRESQL = "14"
# Of squawk's rules (squawkhq.com/docs/rules): what holds a lock while a table is read or written anew...
LOCKS = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-serial-primary-key-field",
    "ban-concurrent-index-creation-in-transaction",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "require-concurrent-partition-detach",
    "require-concurrent-reindex",
}
# ... and what the release before cannot live with.
BREAKS = {
    "adding-required-field",
    "ban-drop-column",
    "ban-drop-default",
    "ban-drop-not-null",
    "ban-drop-table",
    "renaming-column",
    "renaming-table",
}
ROWS = "rows-in-the-migration's-transaction"
_ROWS = re.compile(r"^\s*(UPDATE|DELETE|INSERT|MERGE)\b", re.IGNORECASE | re.MULTILINE)
# Requests take locks on tables in an order of their own: one that has the second table and wants the first is a
# deadlock, which ends the request or the migration.
TABLES = "several-tables-in-a-transaction"
_LOCKED = re.compile(
    r'\b(?:ALTER TABLE|REFERENCES|CREATE (?:UNIQUE )?INDEX \S+ ON) (?:ONLY )?"?([a-z_0-9]+)', re.IGNORECASE
)
_CREATED = re.compile(r'\bCREATE TABLE "?([a-z_0-9]+)', re.IGNORECASE)


def findings(migrations: Iterable[tuple[Migration, ProjectState]], folder: Path) -> list[tuple[str, str, str]]:
    """Judge migrations, each with the state before it: the migration, the rule and what is wrong."""
    judged = {}
    for migration, before in migrations:
        path = folder / f"{migration.app_label}.{migration.name}.sql"
        path.write_text(_sql(migration, before))
        judged[path.stem] = migration
    found = list(_by_squawk(folder))
    for name, migration in judged.items():
        text = (folder / f"{name}.sql").read_text()
        found += [(name, *fault) for fault in (*_about_rows(migration, text), *_about_tables(migration, text))]
    return sorted({each for each in found if each[1] not in getattr(judged[each[0]], "allowed", {})})


def _sql(migration: Migration, before: ProjectState) -> str:
    """The statements that it would run, in its transaction where it has one."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(before.clone(), editor, collect_sql=True)
    statements = [line for line in editor.collected_sql if line.strip() and not line.startswith("--")]
    return "\n".join(["BEGIN;", *statements, "COMMIT;"] if migration.atomic else statements)


def _by_squawk(folder: Path) -> Iterator[tuple[str, str, str]]:
    paths = sorted(str(path) for path in folder.glob("*.sql"))
    if not paths:
        return
    command = [str(SQUAWK), "--pg-version", OLDEST_POSTGRESQL, "--reporter", "json", *paths]
    for found in json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout):
        assert not found["rule_name"].startswith("syntax"), found
        if found["rule_name"] in LOCKS | BREAKS:
            yield Path(found["file"]).stem, found["rule_name"], f"{found['message']} {found['help'] or ''}".strip()


def _about_rows(migration: Migration, text: str) -> Iterator[tuple[str, str]]:
    by_code = any(isinstance(each, RunPython) and each.atomic is not False for each in _flat(migration.operations))
    if (by_code and migration.atomic) or _ROWS.search(text):
        yield ROWS, "Rows stay locked until the migration ends: set atomic = False, and change them in batches."


def _about_tables(migration: Migration, text: str) -> Iterator[tuple[str, str]]:
    locked = sorted(set(_LOCKED.findall(text)) - set(_CREATED.findall(text)))
    if migration.atomic and len(locked) > 1:
        yield TABLES, f"It locks {' and '.join(locked)} at once: make a migration of each."


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation
