"""Pages through lists of any length by key, newest first, without counting and without OFFSET.

A page costs the same on row one and on row ten million (engineering notes, "Many rows, many callers"). A search
that may hit several columns is one query for each, merged: PostgreSQL walks an index for each, where one
query with OR would scan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from credservice.core.keyset import Order, behind, read_place, write_place


@dataclass(frozen=True)
class Cursor:
    """A place between two rows: the order columns of the row beside it, and which side to read."""

    values: tuple[Any, ...] = ()
    backwards: bool = False

    @classmethod
    def parse(cls, text: str, model: type[Model], order: Order) -> "Cursor":
        """Read what :meth:`beside` wrote; anything else means the first page."""
        side, *texts = text.split("~")
        try:
            values = read_place(texts, model, order)
        except (ValidationError, ValueError):
            return cls()
        return cls(values, side == "before") if side in ("after", "before") and None not in values else cls()

    @staticmethod
    def beside(row: Model, order: Order, *, backwards: bool) -> str:
        """Write the cursor of the page before or after a row."""
        return "~".join(["before" if backwards else "after", *write_place(row, order)])

    def condition(self, order: Order) -> Q:
        """Match the rows on this side."""
        return behind(order, self.values, backwards=self.backwards) if self.values else Q()


BOUND = 10_000  # rows that are counted, where a list is short by nature or a form offers choices


class Pages:
    """Pages of a keyset list, as the pagination template shows them."""

    template_name = "console/pagination.html"

    def __init__(self, per_page: int, previous: str | None, following: str | None, total: int | None) -> None:
        self.per_page, self.previous, self.following, self.total = per_page, previous, following, total

    def total_text(self) -> str:
        """Write an estimate with two leading digits: more would only look exact."""
        total = self.total or 0
        return f"{round(total, 2 - len(str(total))) if total > 99 else total:,}"


class KeysetChangeList(ChangeList):
    """A change list of a :class:`credservice.adminkit.model_admin.LargeListAdmin`."""

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
        found, too_many = self.model_admin.matches(request, term) if term else ([Q()], "")
        if too_many and request.method == "GET":
            messages.warning(request, f"{too_many} Only what belongs to the first of them is shown.")
        rows = self._read(cursor, order, found)
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        if cursor.backwards:
            rows.reverse()
        self._set_pages(
            rows, order, newer=more if cursor.backwards else bool(cursor.values), older=cursor.backwards or more
        )
        self.model_admin.prepare_rows(rows)
        self.list_display = without_empty(self.list_display, rows)

    def _read(self, cursor: Cursor, order: Order, alternatives: list[Q]) -> list[Any]:
        names = order if cursor.backwards else tuple(f"-{name}" for name in order)
        queryset = self.queryset.filter(cursor.condition(order)).order_by(*names)
        found = {row.pk: row for q in alternatives for row in queryset.filter(q)[: self.list_per_page + 1]}
        key = lambda row: tuple(getattr(row, name) for name in order)  # noqa: E731
        return sorted(found.values(), key=key, reverse=not cursor.backwards)

    def _set_pages(self, rows: list[Any], order: Order, *, newer: bool, older: bool) -> None:
        def link(row: Any, backwards: bool) -> str:
            return str(self.get_query_string({PAGE_VAR: Cursor.beside(row, order, backwards=backwards)}))

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
    """Read PostgreSQL's own estimate of a table's rows, its partitions included; None before it has made one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class WHERE relkind = 'r' AND (oid = to_regclass(%s)"
            " OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)))",
            [table, table],
        )
        return cursor.fetchone()[0] or None


def without_empty(columns: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """Leave out the columns of which no row has anything; what is ticked and what is clicked on stay."""
    if not rows:
        return list(columns)
    return [*columns[:2], *(column for column in columns[2:] if not _is_empty(column, rows))]


def _is_empty(column: Any, rows: Sequence[Any]) -> bool:
    name = column if isinstance(column, str) else getattr(column, "admin_order_field", None)
    if name not in {field.name for field in rows[0]._meta.concrete_fields}:
        return False
    return all(getattr(row, str(name)) in (None, "") for row in rows)


class WholeChangeList(ChangeList):
    """Offers "Show all" only where a search or a filter leaves something out."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.list_display = without_empty(self.list_display, self.result_list)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Stops counting at ``BOUND``: a page never waits for a count over a whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:BOUND].count())
