"""Selects lines as commands are told, by conditions that an index or a partition serves."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Invalid


@dataclass(frozen=True)
class Selection:
    """Conditions on lines; without any, every line.

    ``object`` is an id, or TYPE:ID, or TYPE: for all of a kind; times are ISO 8601, UTC unless they say otherwise;
    ``until`` is not included.
    """

    since: str = ""
    until: str = ""
    actor: str = ""
    object: str = ""
    action: str = ""
    outcome: str = ""

    def events(self) -> QuerySet[AuditEvent]:
        """Find the lines. Raises :class:`Invalid` for what cannot be understood."""
        return AuditEvent.objects.filter(self._times(), self._object(), **self._equals())

    def said(self) -> dict[str, str]:
        """Return what was asked for, for the audit log."""
        return {name: value for name, value in vars(self).items() if value}

    def _times(self) -> Q:
        times = Q()
        if self.since:
            times &= Q(at__gte=parse_time(self.since))
        if self.until:
            times &= Q(at__lt=parse_time(self.until))
        return times

    def _object(self) -> Q:
        kind, colon, key = self.object.partition(":")
        if not colon:
            return Q(object_id=kind) if kind else Q()
        return Q(object_type=kind) & (Q(object_id=key) if key else Q())

    def _equals(self) -> dict[str, str]:
        if self.outcome and self.outcome not in AuditEvent.Outcome.values:
            raise Invalid(f"An outcome is one of {', '.join(AuditEvent.Outcome.values)}.")
        given = {"actor": self.actor, "action": self.action, "outcome": self.outcome}
        return {name: value for name, value in given.items() if value}


def parse_time(text: str) -> datetime:
    """Parse a moment as ISO 8601, or a day, which begins at midnight UTC. Raises :class:`Invalid`."""
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 - UTC below
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid(f"{text!r} is no time. Write it as 2026-11-21 or 2026-11-21T13:05:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
