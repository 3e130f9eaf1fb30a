"""Imports as these tests make them: rows as dictionaries, what was refused by line."""

import io
import json
from typing import Any

from exchange.bulk.csv_reader import read_csv
from exchange.bulk.engine import Import, Summary
from exchange.bulk.ndjson_reader import Entry, read_ndjson


def row(number: int = 1, *, value: str | None = None, **fields: Any) -> dict[str, Any]:
    """An end user, granted ``value`` for the door's integration where there is one."""
    found = {"external_id": f"bulk-{number}", "end_user_id": f"enduser_bulk_{number}"} | fields
    if value is not None:
        found["grants"] = [{"integration_id": "int_abc123", "values": {"apiKey": value}}]
    return found


def ndjson(*rows: Any) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in rows)


def run(content: bytes, *, form: str = "ndjson", from_line: int = 1, **settings: Any) -> tuple[Summary, dict[int, Any]]:
    """The last summary, and each refused line's problem."""
    refused: dict[int, Any] = {}
    read = read_ndjson if form == "ndjson" else read_csv

    def failed(entry: Entry, problem: Any) -> None:
        refused[entry.line] = problem

    engine = Import(actor="test", source="test.ndjson", failed=failed, **settings)
    *_, summary = engine.run(read(io.BytesIO(content), from_line=from_line))
    return summary, refused


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.created, summary.changed, summary.unchanged, summary.failed
