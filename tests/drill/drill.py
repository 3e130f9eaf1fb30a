"""Sets a drill up, repeats what was not answered, and looks at everything from outside: for both drills."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Generic, Protocol, TypeVar

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from provisioning.checker.connector import Client, Connector
from tests.drill import invariants
from tests.drill.figures import UNFINISHED, Figures
from tests.drill.ledger import EndUser, Order
from tests.drill.load import ORDERED, SET_UP, Partners, Plan, Planned
from tests.drill.processes import PATIENCE
from tests.drill.vendor import Vendor
from tests.e2e.partners import new_id
from tests.support.live import LiveService, conninfo

SCOPES = ("bulk:write", "grants:read", "credentials:write")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEFT = {
    "pending credentials": "SELECT id FROM credentials_credential WHERE state = 'pending'",
    "credentials to end": "SELECT id FROM credentials_credential WHERE state = 'retiring' AND retires_at <= now()",
    "operations": "SELECT id FROM provisioning_operation WHERE state IN ('queued', 'running')",
    "callbacks": "SELECT id FROM provisioning_callback WHERE state = 'waiting'",
}
# As if pauses were over: those after failed attempts, and the minute for which a key whose call died is in use. But
# the overlaps of rotations go on.
_LATER = """
    UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo' AND scheduled_at > now()
        AND (attempts > 0 OR task_name <> 'credentials.end');
    UPDATE credentials_credential SET next_attempt_at = now() WHERE next_attempt_at > now();
    UPDATE provisioning_operation SET next_attempt_at = now() WHERE next_attempt_at > now();
    UPDATE provisioning_callback SET next_attempt_at = now() WHERE next_attempt_at > now();
    UPDATE vendor_api_idempotentcall SET created_at = created_at - interval '1 minute' WHERE NOT is_final;
"""
# As if half a minute had passed since a worker was heard of: one whose job nobody ends.
_DEAD = """
    UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id IN (
        SELECT worker_id FROM procrastinate_jobs j WHERE status = 'doing' AND now() - interval '2 s' >
        (SELECT max(at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started'))
"""


class Supervisor(Protocol):
    """Runs what serves, and starts again what has ended."""

    def keep(self) -> None: ...


S = TypeVar("S", bound=Supervisor)


@dataclass(frozen=True)
class Stage(Generic[S]):
    """All that a drill is played on."""

    service: LiveService
    vendor: Vendor
    partners: Partners
    processes: S
    figures: Figures


def set_up(stack: ExitStack, service: LiveService, figures: Figures) -> Partners:
    """Set up a database for a drill, and return those who will ask."""
    service.set_up()
    client = Client(secret=service.secret("manifold-client-secret"))
    connector = stack.enter_context(Connector(0, client))
    (service.folder / "drill.yaml").write_text(SET_UP.format(connector=connector.url))
    manage(service, "apply", str(service.folder / "drill.yaml"))
    token = manage(service, "create_token", "drill", *(part for scope in SCOPES for part in ("--scope", scope)))
    partners = Partners(service, connector, token, figures)
    stack.callback(partners.client.close)
    return partners


class Drill(Generic[S]):
    """Asks, waits, and looks. ``patient``: pauses are waited for."""

    def __init__(self, played_on: Stage[S], rng: Random, *, patient: bool) -> None:
        self._stage, self._rng, self._patient = played_on, rng, patient
        self._partners, self._figures = played_on.partners, played_on.figures
        self._processes, self._ledger = played_on.processes, played_on.partners.ledger
        self._plan = Plan(self._partners, rng)

    def _order_resources(self, pool: ThreadPoolExecutor) -> None:
        """Have some of each product, for the credentials that are ordered."""
        products = [product for ordered in ORDERED for product in ordered]
        self._settle(pool, [Planned(self._resource(product)) for product in products * 2])

    def _settle(self, pool: ThreadPoolExecutor, unsettled: list[Planned]) -> None:
        """Have everybody repeat what was not answered, until it is."""
        began = time.monotonic()
        while unsettled:
            if time.monotonic() > began + PATIENCE:
                self._figures.found(UNFINISHED, f"{len(unsettled)} requests were not answered for {PATIENCE:.0f} s")
                return
            settled = list(pool.map(lambda planned: planned.act(), unsettled))
            unsettled = [planned for planned, done in zip(unsettled, settled, strict=True) if not done]
            self._figures.count("requests that were repeated", number=len(unsettled))
            if unsettled:
                self._pause(began)

    def _finish_work(self) -> None:
        """Wait until the workers have done what is left; time's part is done by turning it on."""
        began = time.monotonic()
        while left := self._left():
            if time.monotonic() > began + PATIENCE:
                for name, rows in left.items():
                    self._figures.found(UNFINISHED, f"{name}: {', '.join(rows)}")
                return
            self._pause(began)

    def _pause(self, began: float) -> None:
        """Wait a little, with the supervisor at work; time is turned on where the wait is not the first."""
        self._processes.keep()
        time.sleep(0.1)
        if time.monotonic() > began + 0.3 and not self._patient:
            self._turn_time_on()

    def _left(self) -> dict[str, list[str]]:
        with psycopg.connect(conninfo(self._stage.service.environment["DATABASE_URL"])) as connection:
            found = {name: connection.execute(statement).fetchall() for name, statement in _LEFT.items()}
        return {name: [str(row[0]) for row in rows] for name, rows in found.items() if rows}

    def _turn_time_on(self) -> None:
        with psycopg.connect(conninfo(self._stage.service.environment["DATABASE_URL"])) as connection:
            connection.execute(_LATER)
            dead = connection.execute(_DEAD).rowcount
        if dead:
            self._defer("jobs.rescue")

    def _defer(self, task: str) -> None:
        """Have a periodic task run now."""
        app = App(connector=SyncPsycopgConnector(conninfo=conninfo(self._stage.service.environment["DATABASE_URL"])))
        with app.open(), suppress(AlreadyEnqueued):
            app.configure_task(task, queueing_lock=task).defer(timestamp=0)

    def _look(self, pool: ThreadPoolExecutor, objects: list[EndUser | Order], since: datetime) -> None:
        """Check every invariant: of these objects, and of what has come into the database since."""
        for user in self._ledger.end_users:
            user.changing = False
        invariants.check_promises(self._ledger, self._figures)
        self._settle(pool, [Planned(self._check(found), found) for found in objects])
        invariants.check_database(self._stage.service, self._figures, since)
        invariants.check_handed_out(self._stage.service, self._ledger, self._figures, since)
        invariants.check_outside(self._stage.service, self._stage.vendor, self._figures)

    def _check(self, found: EndUser | Order) -> Callable[[], bool]:
        if isinstance(found, EndUser):
            return lambda: invariants.check_end_user(self._partners, self._figures, found)
        return lambda: invariants.check_order(self._partners, self._figures, found)

    def _resource(self, product: str) -> Callable[[], bool]:
        resource_id = new_id()
        return lambda: self._partners.put_resource(resource_id, product)

    def _seal(self) -> None:
        """Have the trail sealed, and its head written outside of the database: what verify_audit compares with."""
        deadline = time.monotonic() + PATIENCE
        while not self._anchors():
            self._defer("audit.seal")
            if time.monotonic() > deadline:
                self._figures.found(UNFINISHED, "the trail was not sealed")
                return
            time.sleep(0.2)

    def _anchors(self) -> bool:
        with suppress(FileNotFoundError):
            return bool((self._stage.service.folder / "anchors").read_text())
        return False


def manage(service: LiveService, *command: str) -> str:
    done = service.manage(*command)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout.strip()
