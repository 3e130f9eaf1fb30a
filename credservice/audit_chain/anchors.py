"""Writes the chain's heads outside of the database, where whoever can rewrite it cannot: to the log and to a file.

Ship the log, or the file, to another machine: ``verify_audit --anchor`` takes it, and finds a chain that was rewritten
or cut short. Where an operator accepted another chain, as after a restore, the heads before are not compared.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings

from credservice.audit.models import AuditSeal
from credservice.core.exceptions import Invalid

log = structlog.get_logger(__name__)
ACCEPTED = "audit_chain_accepted"
_TAIL = 64 * 1024  # bytes; a line has some 400
_WRITTEN = re.compile(r"(\d{1,18}):([0-9a-fA-F]{64})")


@dataclass(frozen=True)
class Anchor:
    """A head that was seen outside: the chain's after the batch ``number``. What it was written with may be unknown."""

    number: int
    head: str
    up_to_line: int | None = field(default=None, compare=False)
    sealed_at: datetime | None = field(default=None, compare=False)


def anchor(seal: AuditSeal) -> None:
    """Write the head to the log and, where ``AUDIT_ANCHOR_FILE`` is set, to that file. Once its seal is committed.

    A file that cannot be written stops nothing: the log has the head, and the next one covers this one.
    """
    facts = {
        "number": seal.number,
        "head": bytes(seal.head).hex(),
        "up_to_line": seal.up_to_id,
        "sealed_at": seal.sealed_at.isoformat(),
        "kid": seal.kid,
        "signature": bytes(seal.signature).hex(),
    }
    log.info("audit_sealed", **facts)
    _add_to_file(facts)


def anchor_acceptance(head: Anchor, why: str) -> None:
    """Write that an operator accepted the chain that ends at ``head`` (0: an empty one), to the log and to the file."""
    facts = {"number": head.number, "head": head.head, "why": why}
    log.warning(ACCEPTED, **facts)
    _add_to_file({"event": ACCEPTED} | facts)


def _add_to_file(facts: Mapping[str, object]) -> None:
    if not settings.AUDIT_ANCHOR_FILE:
        return
    try:
        with Path(settings.AUDIT_ANCHOR_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
    except OSError as error:
        log.error("audit_anchor_not_written", file=settings.AUDIT_ANCHOR_FILE, error=error.strerror)  # noqa: TRY400


def anchor_file() -> Path | None:
    """Return ``AUDIT_ANCHOR_FILE`` where it can be read again (it may be a pipe); None also where we may not look."""
    path = settings.AUDIT_ANCHOR_FILE
    return Path(path) if path and os.path.isfile(path) else None


def last_anchor() -> Anchor | None:
    """Return the last head in ``AUDIT_ANCHOR_FILE``; None without one."""
    path = anchor_file()
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        log.warning("audit_anchor_not_read", file=settings.AUDIT_ANCHOR_FILE, error=error.strerror)
        return None
    return next((found for line in reversed(lines) if (found := read_line(line))), None)


def read_anchors(written: str) -> list[Anchor]:
    """Read ``NUMBER:HEAD``, or the path of a file with a line of JSON for each head: an anchor file, or a log.

    Those before the last acceptance of another chain are left out, and lines of a log that are about something else.
    Development's log has lines of text: not read, since a text in them could look like a head. Raises :class:`Invalid`
    where there is no anchor.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if match:
        return [Anchor(int(match[1]), match[2].lower())]
    try:
        with Path(written).open(encoding="utf-8", errors="replace") as file:
            anchors = _since_acceptance(line for line in file if '"head"' in line)
    except OSError as error:
        raise Invalid(f"{written}: {error.strerror}. Give NUMBER:HEAD, or a file of anchors.") from None
    if not anchors:
        raise Invalid(
            f"{written} holds no anchor. Give NUMBER:HEAD, or a file of anchors. Of a log only lines of JSON are read, "
            "which production writes."
        )
    return anchors


def _since_acceptance(lines: Iterable[str]) -> list[Anchor]:
    anchors: list[Anchor] = []
    for line in lines:
        if found := read_line(line):
            if f'"{ACCEPTED}"' in line:
                anchors.clear()
            anchors.append(found)
    return anchors


def read_line(line: str) -> Anchor | None:
    """Read a line of JSON with ``number`` and ``head``; None where it is something else."""
    try:
        facts = json.loads(line)
        match = _WRITTEN.fullmatch(f"{facts['number']}:{facts['head']}")
        sealed_at = datetime.fromisoformat(facts["sealed_at"]).astimezone(UTC) if "sealed_at" in facts else None
        up_to_line = int(facts["up_to_line"]) if "up_to_line" in facts else None
    except (ValueError, KeyError, TypeError):
        return None
    return Anchor(int(match[1]), match[2].lower(), up_to_line, sealed_at) if match else None
