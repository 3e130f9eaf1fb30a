"""Tells what came to need attention, and what does no longer: by e-mail and by an event.

What the overview lists is compared with what was told last. Each kind is told once in ``INTERVAL`` at most, however
often it comes and goes; what changed and changed back meanwhile is not told.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from credservice.adminkit.models import Notice
from credservice.console.sidebar import all_needed
from credservice.core.jobs import enqueue
from credservice.events.emit import emit, is_wanted

INTERVAL = timedelta(hours=1)
EVENT, MAIL_TASK = "attention.changed", "console.mail_notice"


def tell_changes() -> None:
    """Note what needs attention now, and tell what is news, in one transaction."""
    if not settings.NOTICE_EMAILS and not is_wanted(EVENT):
        Notice.objects.all().delete()  # once switched on, all that there is then is news
        return
    with transaction.atomic():
        rows = _noted(all_needed())
        due_before = timezone.now() - INTERVAL
        due = [row for row in rows if row.is_news() and (row.told_at is None or row.told_at <= due_before)]
        for row in due:
            row.was_present, row.told_at = row.is_present, timezone.now()
        _save(rows, due_before)
        if due:
            _tell([row for row in due if row.is_present], [row for row in due if not row.is_present])


def _noted(found: dict[str, dict[str, Any]]) -> list[Notice]:
    rows = {row.kind: row for row in Notice.objects.select_for_update().order_by("kind")}
    for kind, line in found.items():
        row = rows.setdefault(kind, Notice(kind=kind))
        row.sentence, row.link, row.urgent = line["sentence"], line["link"], line["urgent"]
    for kind, row in rows.items():
        row.is_present = kind in found
    return list(rows.values())


def _save(rows: Iterable[Notice], due_before: Any) -> None:
    """Keep a kind that is settled until it may be told again."""
    for row in rows:
        is_over = not row.is_present and not row.was_present and (row.told_at is None or row.told_at <= due_before)
        if not is_over:
            row.save()
        elif not row._state.adding:
            row.delete()


def tell_examples() -> None:
    """Tell of a made-up line of the overview: see :mod:`credservice.events.examples`."""
    sentence, link = "1 credential could not be revoked", "/admin/credentials/credential/"
    _emit([Notice(kind="stuck", sentence=sentence, link=link, urgent=True)], [])


def _tell(appeared: list[Notice], ended: list[Notice]) -> None:
    _emit(appeared, ended)
    if settings.NOTICE_EMAILS:
        counts = [f"{len(rows)} {what}" for rows, what in ((appeared, "to look at"), (ended, "settled")) if rows]
        text = "\n\n".join(part for part in (_part("Needs attention", appeared), _part("Settled", ended)) if part)
        enqueue(MAIL_TASK, subject=f"credservice: {', '.join(counts)}", text=text)


def _emit(appeared: list[Notice], ended: list[Notice]) -> None:
    emit(EVENT, object_type="overview", object_id="overview", appeared=_facts(appeared), ended=_facts(ended))


def _facts(rows: list[Notice]) -> list[dict[str, Any]]:
    return [{"sentence": row.sentence, "urgent": row.urgent, "link": _address(row)} for row in rows]


def _part(title: str, rows: list[Notice]) -> str:
    lines = [
        f"- {'URGENT: ' if row.urgent and row.is_present else ''}{row.sentence}\n  {_address(row)}" for row in rows
    ]
    return "\n".join([f"{title}:", *lines]) if rows else ""


def _address(row: Notice) -> str:
    return f"{settings.CONSOLE_URL}{row.link}"
