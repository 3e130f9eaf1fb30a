"""Lists the audit log, in time whatever is asked, at any length.

A question that an index answers is answered whole. One that hits nearly nothing (two conditions that are common each
and rare together) would read the log to its end: it is given up after ``WHOLE_MS``, and the lines are read in
windows of ids from the newest on, for ``WINDOWS_SECONDS``. The page then says how far it has looked, and goes on there.
"""

import time
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.db import OperationalError, connection, transaction
from django.db.models import Max, Min, Q, QuerySet

from credservice.adminkit.changelists import Cursor, KeysetChangeList
from credservice.audit.models import AuditEvent
from credservice.console.audit.filters import faults_of

WHOLE_MS = 300
WINDOWS_SECONDS = 0.25
WINDOW = 25_000  # ids, growing


class TrailChangeList(KeysetChangeList):
    """A page of the audit log; ``reached`` is the line up to which was looked, where that is not its end."""

    reached: AuditEvent | None = None

    @property
    def faults(self) -> list[str]:
        """Say in place of the list what of its filters was not understood."""
        return faults_of(self)

    @property
    def reached_sentence(self) -> str:
        """Say on the page how far was looked."""
        if self.reached is None:
            return ""
        return (
            f"Looked as far as {self.reached.at:%Y-%m-%d %H:%M} UTC. Few lines fit this filter: "
            "page on to look further, or narrow the time."
        )

    def _read(self, cursor: Cursor, order: tuple[str, ...], alternatives: list[Q]) -> list[Any]:
        try:
            with transaction.atomic():
                _set_timeout(f"{WHOLE_MS}ms")
                rows = super()._read(cursor, order, alternatives)
                _set_timeout("DEFAULT")
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "57014":  # query_canceled
                raise
            return self._read_windows(cursor, alternatives)
        return rows

    def _read_windows(self, cursor: Cursor, alternatives: list[Q]) -> list[Any]:
        any_of = Q()
        for alternative in alternatives:
            any_of |= alternative
        queryset = self.queryset.filter(any_of).order_by("pk" if cursor.backwards else "-pk")
        windows = _Windows(cursor)
        rows: list[Any] = []
        while windows.go_on() and len(rows) <= self.list_per_page:
            rows += queryset.filter(windows.next())[: self.list_per_page + 1 - len(rows)]
        if len(rows) <= self.list_per_page and windows.left():
            self.reached = windows.reached()
        return rows

    def _set_pages(self, rows: list[Any], order: tuple[str, ...], *, newer: bool, older: bool) -> None:
        super()._set_pages(rows, order, newer=newer, older=older)
        if self.reached is None:
            return
        cursor = Cursor.parse(self.params.get(PAGE_VAR, ""), self.model, order)
        on = self.get_query_string({PAGE_VAR: Cursor.beside(self.reached, order, backwards=cursor.backwards)})
        if cursor.backwards:
            self.paginator.previous = on
        else:
            self.paginator.following = on


class _Windows:
    """Ranges of ids from a cursor on, each larger than the one before, until the time is over or the end is reached."""

    def __init__(self, cursor: Cursor) -> None:
        ends = AuditEvent.objects.order_by().aggregate(first=Min("pk"), last=Max("pk"))
        self._first, self._last = ends["first"] or 0, ends["last"] or 0
        self._backwards = cursor.backwards
        start = cursor.values[0] if cursor.values else self._last + 1
        self._edge = max(min(start, self._last + 1), self._first - 1)
        self._size = WINDOW
        self._deadline = time.monotonic() + WINDOWS_SECONDS

    def left(self) -> bool:
        return self._edge < self._last if self._backwards else self._edge > self._first

    def go_on(self) -> bool:
        return self.left() and time.monotonic() < self._deadline

    def next(self) -> Q:
        edge, size = self._edge, self._size
        self._edge += size if self._backwards else -size
        self._size = size * 3 // 2
        if self._backwards:
            return Q(pk__gt=edge, pk__lte=self._edge)
        return Q(pk__lt=edge, pk__gte=self._edge)

    def reached(self) -> AuditEvent | None:
        """Find the line at the edge, for its time."""
        near = Q(pk__lte=self._edge) if self._backwards else Q(pk__gte=self._edge)
        rows: QuerySet[AuditEvent] = AuditEvent.objects.filter(near)
        return rows.order_by("-pk" if self._backwards else "pk").first()


def _set_timeout(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {value if value == 'DEFAULT' else repr(value)}")
