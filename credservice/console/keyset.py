"""Lists of any length: pages by key, newest first, without counting and without OFFSET.

A page costs the same on row one and on row ten million (engineering notes, "Many rows, many callers"). A search
that may hit several columns is one query for each, merged: PostgreSQL walks an index for each, where one
query with OR would scan.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList


@dataclass(frozen=True)
class Cursor:
    """A place between two rows: the order columns of the row beside it, and which side to read."""

    values: tuple[Any, ...] = ()
    backwards: bool = False

    @classmethod
    def parse(cls, text: str, model: type[models.Model], order: tuple[str, ...]) -> "Cursor":
        """What :meth:`__str__` wrote; the first page for anything else."""
        side, *parts = text.split("~")
        if side not in ("after", "before") or len(parts) != len(order):
            return cls()
        try:
            values = tuple(_field(model, name).to_python(part) for name, part in zip(order, parts, strict=True))
        except (ValidationError, ValueError):
            return cls()
        return cls(values, side == "before") if None not in values else cls()

    def __str__(self) -> str:
        parts = (value.isoformat() if isinstance(value, datetime) else str(value) for value in self.values)
        return "~".join(["before" if self.backwards else "after", *parts])

    def condition(self, order: tuple[str, ...]) -> Q:
        """Rows on this side. The bound on the first column alone is what an index range is made of."""
        if not self.values:
            return Q()
        sign = "gt" if self.backwards else "lt"
        condition, equal = Q(), Q()
        for name, value in zip(order, self.values, strict=True):
            condition |= equal & Q(**{f"{name}__{sign}": value})
            equal &= Q(**{name: value})
        return Q(**{f"{order[0]}__{sign}e": self.values[0]}) & condition


class Pages:
    """What the pagination template shows of a keyset list."""

    template_name = "console/pagination.html"

    def __init__(self, per_page: int, previous: str | None, following: str | None, total: int | None) -> None:
        self.per_page, self.previous, self.following, self.total = per_page, previous, following, total

    def total_text(self) -> str:
        """Two leading digits of an estimate: more would only look exact."""
        total = self.total or 0
        return f"{round(total, 2 - len(str(total))) if total > 99 else total:,}"


class KeysetChangeList(ChangeList):
    """A change list of a :class:`credservice.console.base.LargeListAdmin`."""

    model_admin: Any

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        term, self.query = self.query, ""  # the search is ours: see get_results
        try:
            queryset: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        finally:
            self.query = term
        return queryset

    def get_results(self, request: HttpRequest) -> None:
        order = self.model_admin.keyset
        cursor = Cursor.parse(request.GET.get(PAGE_VAR, ""), self.model, order)
        term = self.query.strip()
        rows = self._read(cursor, order, self.model_admin.find(term) if term else [Q()])
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        if cursor.backwards:
            rows.reverse()
        self._set_pages(
            rows, order, newer=more if cursor.backwards else bool(cursor.values), older=cursor.backwards or more
        )
        self.model_admin.prepare_rows(rows)

    def _read(self, cursor: Cursor, order: tuple[str, ...], alternatives: list[Q]) -> list[Any]:
        names = order if cursor.backwards else tuple(f"-{name}" for name in order)
        queryset = self.queryset.filter(cursor.condition(order)).order_by(*names)
        found = {row.pk: row for q in alternatives for row in queryset.filter(q)[: self.list_per_page + 1]}
        key = lambda row: tuple(getattr(row, name) for name in order)  # noqa: E731
        return sorted(found.values(), key=key, reverse=not cursor.backwards)

    def _set_pages(self, rows: list[Any], order: tuple[str, ...], *, newer: bool, older: bool) -> None:
        def link(row: Any, backwards: bool) -> str:
            cursor = Cursor(tuple(getattr(row, name) for name in order), backwards)
            return str(self.get_query_string({PAGE_VAR: str(cursor)}))

        whole = not self.query and not self.get_filters_params()
        self.paginator = Pages(
            self.list_per_page,
            link(rows[0], True) if rows and newer else None,
            link(rows[-1], False) if rows and older else None,
            estimated_rows(self.model._meta.db_table) if whole and (newer or older) else None,
        )
        self.result_list, self.result_count = rows, len(rows)
        # Equal counts keep Unfold from saying how many results there are: that is not known.
        self.full_result_count, self.show_full_result_count = len(rows), False
        self.show_admin_actions, self.can_show_all, self.multi_page = True, False, False


def estimated_rows(table: str) -> int | None:
    """PostgreSQL's own estimate of a table's rows, its partitions included; None before it has made one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class WHERE relkind = 'r' AND (oid = to_regclass(%s)"
            " OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)))",
            [table, table],
        )
        return cursor.fetchone()[0] or None


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
