"""Narrows the audit log's list."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter
from unfold.utils import parse_datetime_str

from credservice.adminkit.filters import ExactFilter

# The distinct actions, by jumping from one to the next in an index: a row of the trail is never counted.
_ACTIONS = """
WITH RECURSIVE found AS (
    (SELECT action FROM audit_auditevent ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (SELECT action FROM audit_auditevent WHERE action > found.action ORDER BY action LIMIT 1)
    FROM found WHERE found.action IS NOT NULL
)
SELECT action FROM found WHERE action IS NOT NULL LIMIT 500
"""


class ActionFilter(DropdownFilter):
    """Offers every action that occurs."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(_ACTIONS)
            return [(row[0], row[0]) for row in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class TimeFilter(RangeDateTimeFilter):
    """Takes from and to, in UTC, both included to the minute; a day without a time is the whole day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time (UTC)"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            since, until = self._moment("from", "00:00"), self._moment("to", "23:59")
            behind = until + timedelta(minutes=1) if until else None
        except (ValueError, OverflowError):
            return queryset.none()
        if since:
            queryset = queryset.filter(at__gte=since)
        return queryset.filter(at__lt=behind) if behind else queryset

    def _moment(self, side: str, default: str) -> datetime | None:
        """Read one end. Raises ValueError for what is no time."""
        day = self.used_parameters.get(f"at_{side}_0")
        if not day:
            return None
        found = parse_datetime_str(f"{day} {self.used_parameters.get(f'at_{side}_1') or default}")
        if found is None:
            raise ValueError
        return found.replace(tzinfo=UTC)


class SeveralFilter(ExactFilter):
    """Takes one whole value, or several with commas between them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = (self.value() or "").strip()
        return queryset.filter(**{f"{self.parameter_name}__in": {asked, *asked.split(",")}}) if asked else queryset


class ActorFilter(SeveralFilter):
    title = parameter_name = "actor"


class ReasonFilter(ExactFilter):
    title = parameter_name = "reason"


class ObjectTypeFilter(ExactFilter):
    title, parameter_name = "object type", "object_type"


class ObjectFilter(SeveralFilter):
    title, parameter_name = "object id", "object_id"


class SubjectFilter(ExactFilter):
    title = parameter_name = "subject"


class RequestFilter(ExactFilter):
    title, parameter_name = "request id", "request_id"


class SourceFilter(ExactFilter):
    title, parameter_name = "source address", "source"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        term = (self.value() or "").strip()
        try:
            return queryset.filter(source=str(ip_address(term))) if term else queryset
        except ValueError:
            return queryset.none()
