"""Writes the audit log as NDJSON or CSV, line by line, in constant memory."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from django.db.models import Q, QuerySet

from credservice.audit.models import AuditEvent

FIELDS = (
    *("id", "at", "action", "outcome", "reason", "actor", "object_type", "object_id", "subject", "source"),
    *("request_id", "detail"),
)
FORMATS = ("ndjson", "csv")
PAGE = 2_000
# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"): at the beginning of a cell, and
# wherever one begins that splits lines at semicolons or tabs, as those of many countries do, whatever quotes say.
_FORMULA = re.compile(r"(?:\A|(?<=[;\t\r\n|]))(?=[\s\"]*[=+\-@])|\A(?=[\t\r\n])")


def read_up(events: QuerySet[AuditEvent], *, after: int, up_to: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of ``events`` above ``after``, at most ``up_to``, oldest first; a page at a time."""
    found = events.filter(pk__lte=up_to).order_by("pk")
    while rows := list(found.filter(pk__gt=after).values(*FIELDS)[:PAGE]):
        yield from rows
        after = rows[-1]["id"]


def read_down(events: QuerySet[AuditEvent], *, limit: int) -> Iterator[dict[str, Any]]:
    """Yield the newest ``limit`` lines of ``events``, newest first; a page at a time."""
    before: Q = Q()
    while limit > 0 and (rows := list(events.filter(before).order_by("-pk").values(*FIELDS)[: min(PAGE, limit)])):
        yield from rows
        before, limit = Q(pk__lt=rows[-1]["id"]), limit - len(rows)


def write(rows: Iterable[dict[str, Any]], form: str) -> Iterator[tuple[int | None, str]]:
    """Yield each row's id, and its text with a line break; CSV has a heading first, which has no id."""
    if form == "csv":
        yield None, csv_line(FIELDS)
    for row in rows:
        values = {**row, "at": row["at"].astimezone(UTC).isoformat()}
        yield row["id"], _as_csv(values) if form == "csv" else json.dumps(values, ensure_ascii=False) + "\n"


def csv_line(values: Iterable[Any]) -> str:
    """Write a line of CSV (RFC 4180). A text that a spreadsheet would calculate is marked as text by an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([_neutral(value) for value in values])
    return buffer.getvalue()


def _as_csv(values: dict[str, Any]) -> str:
    return csv_line((values | {"detail": json.dumps(values["detail"], ensure_ascii=False)}).values())


def _neutral(value: Any) -> Any:
    return _FORMULA.sub("'", value) if isinstance(value, str) else value
