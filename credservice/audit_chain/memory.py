"""Remembers outside of the database where the chain was, so that the sealer never goes on from a chain cut back.

Whoever owns the tables can delete the last seals and change the lines that they covered. The store that is sealed
cannot say where it was: a file in ``VAR_DIR``, and the last head of ``AUDIT_ANCHOR_FILE``, do. Where one of them is
not in the chain, nothing is sealed. A head that is older than the chain's end is fine: another machine sealed since.
"""

import json
import os
import tempfile
from pathlib import Path

import structlog
from django.conf import settings

from credservice.audit.models import AuditSeal
from credservice.audit_chain.anchors import Anchor, last_anchor, read_line
from credservice.audit_chain.links import Broken, check_follows, check_itself, last_seal, seals_from
from credservice.audit_chain.signatures import require_key

log = structlog.get_logger(__name__)
FILE = "audit-head.json"


def head_file() -> Path:
    return Path(settings.VAR_DIR) / FILE


def remembered() -> Anchor | None:
    """Return the head in ``VAR_DIR``; None where none was kept. Raises :class:`Broken` where it cannot be read."""
    try:
        text = head_file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Broken(f"The chain's head in {head_file()} cannot be read: {type(error).__name__}.") from None
    found = read_line(text)
    if found is None:
        raise Broken(f"The chain's head in {head_file()} cannot be read: it holds no head.")
    return found


def remember(head: Anchor) -> None:
    """Keep the head on disk, the file whole at any time. A folder that cannot be written to stops no sealing."""
    path = head_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)
        try:
            _write(descriptor, json.dumps({"number": head.number, "head": head.head}) + "\n")
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        log.error("audit_head_not_kept", file=str(path), error=error.strerror)  # noqa: TRY400


def confirmed_end() -> AuditSeal | None:
    """Return the chain's last link; None: it has none yet. Raises :class:`Broken` where it is not to be gone on from.

    From the heads that are remembered outside on, every link is checked. Without one, the last link alone is.
    """
    require_key()
    wanted = [head for head in (remembered(), last_anchor()) if head and head.number]
    last = last_seal()
    first = min([head.number for head in wanted] or [last.number if last else 1])
    found, before = {}, None
    for seal in seals_from(first):
        if before is not None:
            check_follows(seal, before)
        check_itself(seal)
        found[seal.number] = bytes(seal.head).hex()
        before = seal
    _check_wanted(wanted, found, before or last)
    return before


def _check_wanted(wanted: list[Anchor], found: dict[int, str], end: AuditSeal | None) -> None:
    for head in wanted:
        if found.get(head.number) != head.head:
            raise Broken(
                f"The head of batch {head.number} that was kept outside of the database is not in the chain, which "
                f"ends at batch {end.number if end else 0}: seals were deleted or replaced, or an older copy of the "
                "database was put back, and what was ended since is good again. Where you restored it, end that first "
                "(restore_drill names it), and then say so with verify_audit --accept."
            )


def _write(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)  # it is no secret, and verify_audit may run as somebody else
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
