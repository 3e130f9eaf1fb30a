"""The chain's heads outside of the database, where whoever can rewrite it cannot: a log line each, and a file.

Ship the log, or the file, to another machine: ``verify_audit --anchor`` takes it, and finds a chain that was rewritten
or cut short.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from credservice.audit.models import AuditSeal
from credservice.exceptions import Invalid

log = structlog.get_logger(__name__)
_WRITTEN = re.compile(r"(\d{1,18}):([0-9a-fA-F]{64})")


@dataclass(frozen=True)
class Anchor:
    """What was seen outside: the chain's head after the batch ``number``."""

    number: int
    head: str


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
    if settings.AUDIT_ANCHOR_FILE:
        try:
            with Path(settings.AUDIT_ANCHOR_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(facts) + "\n")
        except OSError as error:
            log.error("audit_anchor_not_written", file=settings.AUDIT_ANCHOR_FILE, error=error.strerror)  # noqa: TRY400


def read_anchors(written: str) -> list[Anchor]:
    """``NUMBER:HEAD``, or the path of a file with a line of JSON for each head: an anchor file, or a log.

    Lines of a log that are about something else are passed over. Raises :class:`Invalid` where there is no anchor.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if match:
        return [Anchor(int(match[1]), match[2].lower())]
    try:
        with Path(written).open(encoding="utf-8", errors="replace") as file:
            anchors = [found for line in file if '"head"' in line and (found := _read_line(line))]
    except OSError as error:
        raise Invalid(f"{written}: {error.strerror}. Give NUMBER:HEAD, or a file of anchors.") from None
    if not anchors:
        raise Invalid(f"{written} holds no anchor. Give NUMBER:HEAD, or a file of anchors.")
    return anchors


def _read_line(line: str) -> Anchor | None:
    try:
        facts = json.loads(line)
        match = _WRITTEN.fullmatch(f"{facts['number']}:{facts['head']}")
    except (ValueError, KeyError, TypeError):
        return None
    return Anchor(int(match[1]), match[2].lower()) if match else None
