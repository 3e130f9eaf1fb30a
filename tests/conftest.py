"""Holds what every test may use."""

import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.client import ClientHandler
from xdist.scheduler import LoadScopeScheduling

from credservice import readiness
from credservice.audit.models import AuditEvent
from credservice.credentials.key_lookup import last_uses as credential_uses
from credservice.handlers import TwoWays
from credservice.keys.rotation_progress import last_uses as secret_uses
from credservice.vendor_api.tokens import last_uses as token_uses
from provisioning.osb.passwords import last_uses as password_uses
from tests.support.live import live_service  # noqa: F401 - a fixture
from tests.support.paths import ROOT

# Where tests start servers, browsers and other processes, talk to a server of their own, or open pages one after the
# other: `make check` leaves them out, and those that commit, as it leaves out every test that takes long.
SLOW = (
    *("accounts/", "adminkit/", "audit/test_append_only.py", "audit_chain/test_memory.py"),
    *("audit_chain/test_verification.py", "bench/", "browser/", "checks/", "client/", "console/"),
    *("core/test_environment.py", "crypto/kms/", "crypto/test_one_path.py", "deploy/", "devserver/", "drill/"),
    *("e2e/", "events/test_delivery.py", "exchange/bulk/", "exchange/management/", "exchange/mindcloud/"),
    *("exchange/services/test_first_exchange.py", "exchange/signatures/test_signing.py"),
    *("exchange/vendor_api/test_mindcloud.py", "issuers/", "lifecycle/", "management/"),
    *("manifest/test_export.py",),
    *("manifest/test_failures.py", "provisioning/checker/", "provisioning/manifold/connector/", "provisioning/sso/"),
    *("provisioning/test_signing_properties.py", "provisioning/test_usage", "serving/", "structure/", "upgrades/"),
    *("vendor_api/test_schema.py",),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it stands, so that no test has to remember."""
    folder = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(folder).as_posix()
        database = item.get_closest_marker("django_db")
        commits = database is not None and database.kwargs.get("transaction", False)
        served = "live_service" in getattr(item, "fixturenames", ())
        if commits or served or place.startswith(SLOW):
            item.add_marker(pytest.mark.slow)


class _BySharing(LoadScopeScheduling):
    """Deals tests out one by one, and modules whose tests share a server or a database whole.

    Each process that runs one of these would set it up. (``--dist loadgroup`` of xdist 3.8 groups nothing under
    pytest 9.)
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if _shares(module) else nodeid


@cache
def _shares(module: str) -> bool:
    return 'scope="module"' in (ROOT / module).read_text()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    config.option.loadscopereorder = False  # those that commit stay behind the others, as pytest-django has put them
    return _BySharing(config, log)


class _Handler(TwoWays, ClientHandler):
    """Leads a test's requests as the server's are led."""


class DoorClient(Client):
    """Django's test client, with the raw request target that the server passes. Paths are sent as they are written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = _Handler(self.handler.enforce_csrf_checks)

    def generic(self, *args: Any, **kwargs: Any) -> Any:
        method, target, *rest = args
        path, query = urlsplit(target).path, urlsplit(target).query
        return super().generic(method, path, *rest, **{"RAW_URI": target} | kwargs | {"QUERY_STRING": query})


@pytest.fixture
def client() -> DoorClient:
    return DoorClient(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _readiness_is_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)


@pytest.fixture(autouse=True)
def _last_uses_end_with_the_test() -> Iterator[None]:
    """Else a timer writes them while another test runs, or the end of the process, when the database is gone."""
    yield
    for uses in (credential_uses, secret_uses, token_uses, password_uses):
        with uses._lock:
            uses._used.clear()
            if uses._timer is not None:
                uses._timer.cancel()
                uses._timer = None


@pytest.fixture
def stopped_clock() -> Iterator[None]:
    """Stop the clock of this process's threads, so that no second, half minute or month ends within the test.

    The database's goes on, though its now() stands within a transaction, and so within a test that is one.
    """
    with time_machine.travel(time.time(), tick=False):
        yield


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
