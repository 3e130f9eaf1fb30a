"""Reads what has happened: events and their deliveries, and the audit trail."""

from collections.abc import Iterator
from datetime import datetime

from credservice_client.answers import AuditEvent, EventDelivery, EventEndpoint, Pinged, Replayed
from credservice_client.calls import Calls, moment, once, place


class Watching(Calls):
    def list_event_endpoints(self, *, page_size: int | None = None) -> Iterator[EventEndpoint]:
        return self._list(EventEndpoint, "/event-endpoints", {}, page_size)

    def ping_event_endpoint(self, endpoint: str, *, idempotency_key: str | None = None) -> Pinged:
        """Send a test event to the endpoint of this name."""
        headers = once(idempotency_key)
        return self._write(Pinged, "POST", place("event-endpoints", endpoint, "ping"), headers=headers)

    def replay_failed_events(self, endpoint: str, since: datetime, *, idempotency_key: str | None = None) -> Replayed:
        """Send everything again that this endpoint did not get since then."""
        path = place("event-endpoints", endpoint, "replay")
        headers = once(idempotency_key)
        return self._write(Replayed, "POST", path, {"since": moment(since)}, headers=headers)

    def list_event_deliveries(
        self, *, endpoint: str | None = None, state: str | None = None, page_size: int | None = None
    ) -> Iterator[EventDelivery]:
        """List the newest first."""
        return self._list(EventDelivery, "/event-deliveries", {"endpoint": endpoint, "state": state}, page_size)

    def replay_event_delivery(self, delivery: str, *, idempotency_key: str | None = None) -> EventDelivery:
        headers = once(idempotency_key)
        return self._write(EventDelivery, "POST", place("event-deliveries", delivery, "replay"), headers=headers)

    def list_audit_events(
        self,
        *,
        action: str | None = None,
        outcome: str | None = None,
        object_id: str | None = None,
        subject: str | None = None,
        request_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int | None = None,
    ) -> Iterator[AuditEvent]:
        """The newest first, at ``since`` or later and before ``until``."""
        query = {
            "action": action,
            "outcome": outcome,
            "object_id": object_id,
            "subject": subject,
            "request_id": request_id,
            "since": since,
            "until": until,
        }
        return self._list(AuditEvent, "/audit-events", query, page_size)

    def read_audit_event(self, event: int) -> AuditEvent:
        return self._get(AuditEvent, place("audit-events", str(event)))
