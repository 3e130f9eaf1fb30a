"""No migration since the release before holds up a large table, or breaks that release. And what the linter finds."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Abs

from tests.upgrades import previous
from tests.upgrades.migration_lint import BREAKS, LOCKS, ROWS, TABLES, findings

INDEX = models.Index(fields=["failure"], name="credentials_failure")
CHECK = models.CheckConstraint(condition=models.Q(attempts__lt=1000), name="credentials_attempts")
UNIQUE = models.UniqueConstraint(fields=["hint"], name="credentials_hint")


def nothing(*_) -> None: ...


def run_sql(statement: str, **options) -> migrations.RunSQL:
    return migrations.RunSQL(statement, migrations.RunSQL.noop, **options)


def add(field: Any) -> migrations.AddField:
    return migrations.AddField("credential", "added", field)


REFUSED = {
    "index": (migrations.AddIndex("credential", INDEX), "require-concurrent-index-creation"),
    "db_index": (add(models.IntegerField(null=True, db_index=True)), "require-concurrent-index-creation"),
    "no_index": (migrations.RemoveIndex("credential", "credentials_line"), "require-concurrent-index-deletion"),
    "type": (migrations.AlterField("credential", "attempts", models.BigIntegerField()), "changing-column-type"),
    "not_null": (
        migrations.AlterField("credential", "activated_at", models.DateTimeField()),
        "adding-not-nullable-field",
    ),
    "null": (
        migrations.AlterField("credential", "subject", models.CharField(max_length=255, null=True)),
        "ban-drop-not-null",
    ),
    "volatile": (add(models.UUIDField(db_default=RandomUUID())), "adding-field-with-default"),
    "stored": (
        add(models.GeneratedField(expression=Abs("attempts"), output_field=models.IntegerField(), db_persist=True)),
        "adding-field-with-default",
    ),
    # Django drops the default at once: what the release before inserts would have none.
    "default": (add(models.CharField(max_length=9, default="x")), "ban-drop-default"),
    "required": (run_sql("ALTER TABLE credentials_credential ADD x int NOT NULL"), "adding-required-field"),
    "check": (migrations.AddConstraint("credential", CHECK), "constraint-missing-not-valid"),
    "unique": (migrations.AddConstraint("credential", UNIQUE), "disallowed-unique-constraint"),
    "foreign_key": (
        add(models.ForeignKey("keys.SigningKey", models.PROTECT, null=True)),
        "adding-foreign-key-constraint",
    ),
    "column": (migrations.RemoveField("credential", "failure"), "ban-drop-column"),
    "table": (migrations.DeleteModel("Grant"), "ban-drop-table"),
    "renamed": (migrations.RenameField("credential", "failure", "fault"), "renaming-column"),
    "renamed_table": (migrations.RenameModel("Credential", "Key"), "renaming-table"),
    "tables": (
        run_sql(
            "ALTER TABLE credentials_credential ADD x int; ALTER TABLE credentials_credentialpolicy ADD x int"
        ),
        TABLES,
    ),
    "python": (migrations.RunPython(nothing, nothing), ROWS),
    "within": (migrations.SeparateDatabaseAndState([migrations.RunPython(nothing, nothing)]), ROWS),
    "update": (run_sql("UPDATE credentials_credential SET hint = ''"), ROWS),
}  # fmt: skip
HARMLESS = {
    "index": (AddIndexConcurrently("credential", INDEX),),
    "python": (migrations.RunPython(nothing, nothing),),
    "nullable": (add(models.CharField(max_length=9, null=True)),),
    "db_default": (add(models.CharField(max_length=9, db_default="x")),),
    "check": (AddConstraintNotValid("credential", CHECK), ValidateConstraint("credential", CHECK.name)),
    "new_table": (
        migrations.CreateModel(
            "Thing",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=9, unique=True)),
                ("credential", models.ForeignKey("credentials.Credential", models.CASCADE)),
            ],
            options={
                "indexes": [models.Index(fields=["name", "id"], name="things")],
                "constraints": [models.CheckConstraint(condition=models.Q(id__gt=1), name="thing")],
            },
        ),
    ),
}
ATOMIC = {"nullable", "db_default", "new_table"}


def migration(name: str, *operations, atomic: bool = True, app: str = "credentials", **more) -> Any:
    made: Any = type("Migration", (migrations.Migration,), {"operations": list(operations), "atomic": atomic, **more})
    return made(name, app)


@pytest.fixture(scope="module")
def loader(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield MigrationLoader(connection)


@pytest.fixture(scope="module")
def found(loader, tmp_path_factory, django_db_blocker):
    """Lint each of the examples."""
    state = loader.project_state()
    made = [
        migration(f"refused_{name}", operation, app="exchange" if name == "table" else "credentials")
        for name, (operation, _) in REFUSED.items()
    ]
    made += [migration(f"fine_{name}", *operations, atomic=name in ATOMIC) for name, operations in HARMLESS.items()]
    with django_db_blocker.unblock():
        return findings([(each, state) for each in made], tmp_path_factory.mktemp("sql"))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(found, name):
    rules = {rule for where, rule, _ in found if where.partition(".")[2] == f"refused_{name}"}
    assert REFUSED[name][1] in rules


@pytest.mark.parametrize("name", HARMLESS)
def test_its_harmless_form_is_not(found, name):
    assert [each for each in found if each[0].endswith(f".fine_{name}")] == []


def test_what_is_allowed_says_why(loader, tmp_path, django_db_blocker):
    state, reason = loader.project_state(), {"ban-drop-column": "0.2.0 does not read it."}
    removal = migration("removal", migrations.RemoveField("credential", "failure"), allowed=reason)
    with django_db_blocker.unblock():
        assert findings([(removal, state)], tmp_path) == []


def test_every_new_migration_is_harmless(loader, tmp_path, django_db_blocker):
    """Those of the release before are done with: they have run wherever it runs."""
    previous.need_history()
    paths = previous.new_migrations()
    new = [
        (each, loader.project_state(key, at_end=False))
        for key, each in loader.disk_migrations.items()
        if Path(inspect.getfile(type(each))) in paths
    ]
    assert len(new) == len(paths)
    with django_db_blocker.unblock():
        assert findings(new, tmp_path) == []
    for each, _ in new:
        allowed = getattr(each, "allowed", {})
        assert allowed.keys() <= LOCKS | BREAKS | {ROWS, TABLES}
        assert all(allowed.values()), f"{each}: say why"
