"""A chain of its own for a test, and somebody who may do what a superuser of the database may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from credservice.audit import Line, record
from credservice.audit_chain.sealing import seal_settled
from credservice.audit_chain.signatures import proving_key


@contextmanager
def unguarded() -> Iterator[Any]:
    """A cursor while the triggers are off, as the tables' owner can turn them off: what verify_audit has to find."""
    with connection.cursor() as cursor:
        _switch(cursor, "DISABLE")
        yield cursor
        _switch(cursor, "ENABLE")


def _switch(cursor: Any, verb: str) -> None:
    cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('audit_auditevent')")
    for table in [*(name for (name,) in cursor.fetchall()), "audit_auditseal"]:
        cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")


@pytest.fixture
def chain(db: None, settings: Any, tmp_path: Path) -> Callable[..., None]:
    """An empty trail and no chain, nor a head kept in VAR_DIR; called, it writes and seals batches of so many lines."""
    settings.VAR_DIR = tmp_path / "var"
    proving_key()  # its making leaves a line
    with unguarded() as cursor:
        cursor.execute("DELETE FROM audit_auditseal")
        cursor.execute("DELETE FROM audit_auditevent")

    def write(*batches: int) -> None:
        for number, size in enumerate(batches):
            for line in range(size):
                record(Line(action="test.act", actor="user:ann", object_type="thing", object_id=f"{number}.{line}"))
            assert seal_settled() >= size

    return write
