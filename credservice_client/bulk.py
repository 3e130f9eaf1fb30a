"""Imports many end users at once, and exports everything that there is: see docs/import.md."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from credservice_client.answers import BulkError, BulkReceipt
from credservice_client.calls import ROOT, Calls, Query
from credservice_client.problems import CredserviceError, UnexpectedAnswer
from credservice_client.reading import read
from credservice_client.transport import Call

# Small enough to be done in seconds where every value changes, which takes the service tens of milliseconds a row.
PART_ROWS = 250
PART_BYTES = 1024 * 1024
TIMEOUT = 300.0  # the service does imports one after the other: another one may be before this
MAX_ERRORS = 1_000
Row = Mapping[str, Any] | str | bytes


class Bulk(Calls):
    def import_end_users(
        self,
        rows: Iterable[Row],
        *,
        platform: str | None = None,
        dry_run: bool | None = None,
        on_error: str | None = None,
        accept_changed_answers: bool | None = None,
        after_line: int = 0,
        progress: Callable[[BulkReceipt], None] | None = None,
        timeout: float = TIMEOUT,
    ) -> BulkReceipt:
        """Register or change end users, and grant them credentials. Memory stays constant, however many there are.

        ``rows``: mappings, or the lines of NDJSON, such as a file opened for bytes. They are sent in parts; after each,
        ``progress`` gets the sums so far. To go on after a failure, give its ``last_line`` as ``after_line``. Doing all
        of it again is harmless too. ``on_error="stop"`` ends with the part that holds the first bad row; otherwise bad
        rows stop no other, and are in ``errors``, the first 1,000 of them, by their line among all.

        A row's ``attributes`` are sent whole: where installations that are answered today would get no answer without
        one that is left out, the row is bad, unless ``accept_changed_answers`` is given.

        ``timeout``: seconds for a part to be answered. Where its answer is lost, or another import is under way, it is
        sent again for as long. What was done behind a lost answer counts as unchanged. Raises TypeError for a text.
        """
        if isinstance(rows, str | bytes | Mapping):
            raise TypeError("rows: give mappings, or the lines of NDJSON, such as open(path, 'rb').")
        query = {
            "platform": platform,
            "dry_run": dry_run,
            "on_error": on_error,
            "accept_changed_answers": accept_changed_answers,
        }
        total = BulkReceipt(dry_run=bool(dry_run), last_line=after_line)
        for part in _parts(islice(rows, after_line, None)):
            try:
                receipt = self._import(part, query, timeout)
            except CredserviceError as error:
                error.add_note(f"Continue with after_line={total.last_line}.")
                raise
            total = _sum(total, receipt, lines=len(part))
            if progress is not None:
                progress(total)
            if receipt.stopped:
                break
        return total

    def export(self, kind: str, *, after: str | None = None, page_size: int | None = None) -> Iterator[dict[str, Any]]:
        """Read all objects of a kind, such as ``end_users``, by ascending id, as their routes show them; no secrets."""
        while True:
            reply = self._call("GET", "/export", {"kind": kind, "after": after, "limit": page_size})
            *objects, end = reply.lines or [{}]
            if end.get("kind") != "end":
                raise UnexpectedAnswer(reply.status, "was cut off")
            yield from objects
            after = end.get("after")
            if after is None:
                return

    def _import(self, part: list[bytes], query: Query, timeout: float) -> BulkReceipt:
        headers = {"Content-Type": "application/x-ndjson"}
        call = Call("POST", f"{ROOT}/bulk", self._texts(query), headers, b"".join(part), timeout)
        reply = self._transport.send(call)
        return read(BulkReceipt, reply.body, status=reply.status)


def _parts(rows: Iterable[Row]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for row in rows:
        line = _line(row)
        if part and (len(part) == PART_ROWS or size + len(line) > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def _line(row: Row) -> bytes:
    """Check one line. Raises ValueError for a text of several: their numbers would be wrong."""
    if isinstance(row, Mapping):
        row = json.dumps(row)
    line = (row.encode() if isinstance(row, str) else row).rstrip(b"\r\n")
    if b"\n" in line:
        raise ValueError("rows: give one line at a time.")
    return line + b"\n"


def _sum(total: BulkReceipt, part: BulkReceipt, *, lines: int) -> BulkReceipt:
    done = part.last_line if part.stopped else lines
    errors = [BulkError(line=total.last_line + each.line, problem=each.problem) for each in part.errors]
    return replace(
        total,
        rows=total.rows + part.rows,
        created=total.created + part.created,
        changed=total.changed + part.changed,
        unchanged=total.unchanged + part.unchanged,
        failed=total.failed + part.failed,
        last_line=total.last_line + done,
        stopped=part.stopped,
        errors=(total.errors + errors)[:MAX_ERRORS],
    )
