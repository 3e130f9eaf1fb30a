"""What every test may use."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from credservice.audit.models import AuditEvent
from credservice.credentials.last_use import _uses as credential_uses
from credservice.vendor_api.tokens import last_uses as token_uses
from tests.live import live_service  # noqa: F401 - a fixture


class DoorClient(Client):
    """Django's test client, with the raw request target that gunicorn passes. Paths are sent as they are written."""

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        method, target, *rest = args
        path, query = urlsplit(target).path, urlsplit(target).query
        return super().generic(method, path, *rest, **{"RAW_URI": target} | kwargs | {"QUERY_STRING": query})


@pytest.fixture
def client() -> DoorClient:
    return DoorClient(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _last_uses_end_with_the_test() -> Iterator[None]:
    """Else a timer writes them while another test runs, or the end of the process, when the database is gone."""
    yield
    for uses in (credential_uses, token_uses):
        with uses._lock:
            uses._used.clear()
            if uses._timer is not None:
                uses._timer.cancel()
                uses._timer = None


class Trail:
    """The lines that were written since the test began."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent")
            self._after = cursor.fetchone()[0]

    def all(self, **where: Any) -> list[AuditEvent]:
        return list(AuditEvent.objects.filter(id__gt=self._after, **where).order_by("id"))

    def one(self, **where: Any) -> AuditEvent:
        (event,) = self.all(**where)
        return event


@pytest.fixture
def trail(db: None) -> Trail:
    """The audit lines of this test. The trail is append-only, so earlier tests' committed lines are still there."""
    return Trail()
