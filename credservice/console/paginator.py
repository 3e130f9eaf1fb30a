"""Counting, up to a bound: for lists that are short by nature, and for the choices of a form."""

from functools import cached_property

from django.core.paginator import Paginator

BOUND = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Stops counting at ``BOUND``: a page never waits for a count over a whole table."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by().values("pk")[:BOUND].count())  # type: ignore[union-attr]
