"""The failover drill: a database's cluster loses its primary, and nothing that was acknowledged may go.

Two web nodes and two workers in production mode, on a PostgreSQL cluster under Patroni: one of each asks the cluster
itself, by several hosts, the other one a pooler. The load never ends. What is measured is how long each kind of request
goes without an answer, beside how long the cluster takes no write itself.
"""

import contextlib
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

import httpx2
import psycopg

from credservice.core.checkout import SERVER
from tests.drill import invariants, proxies
from tests.drill.asking import Act
from tests.drill.cluster import DATABASE, OWNER, Cluster, Member
from tests.drill.drill import EPOCH, Drill, Stage, manage, set_up
from tests.drill.figures import PERSON, SLOWER, UNFINISHED, Figures
from tests.drill.ledger import EndUser, Order
from tests.drill.load import GENERATED, LOCAL, SLOW, Partners
from tests.drill.processes import PATIENCE, NotBack, Supervised
from tests.drill.vendor import Vendor
from tests.e2e.partners import new_id
from tests.support.live import LiveService
from tests.support.paths import ROOT

MARGIN = 5.0  # seconds that a kind of request may be without an answer longer than the database
CALLERS, MOST_WAITING = 8, 60  # of the mixed load
CALM, DOWN = 5.0, 3.0  # seconds
USERS = 5_000  # whose first exchanges are timed
# What is timed, each asked for by threads of its own.
EXCHANGE, FIRST, PUT, PROMISE = "exchange", "first exchange", "PUT", "PUT with a callback"
DATABASE_WRITES = "the database"
TIMED = {EXCHANGE: 3, FIRST: 3, PUT: 3, PROMISE: 1}


class Nodes:
    """The processes that serve, and their supervisor."""

    def __init__(self, cluster: Cluster, service: LiveService, figures: Figures) -> None:
        self._figures = figures
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        several = f"postgres://{OWNER}@{cluster.hosts}/{DATABASE}"
        pooled = f"postgres://{OWNER}@127.0.0.1:{proxies.POOLER}/{DATABASE}"
        ways = ({"DATABASE_URL": several}, {"DATABASE_URL": pooled, "DATABASE_DIRECT_URL": several})
        worker = (sys.executable, str(ROOT / "manage.py"), "worker")
        self.web: list[Supervised] = []
        self.workers: list[Supervised] = []
        for number, (way, port) in enumerate(zip(ways, proxies.NODES, strict=True), 1):
            metrics = service.folder / f"metrics-{number}"
            metrics.mkdir()
            own = service.environment | way | {"PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
            for found, name, command in ((self.web, "web", SERVER), (self.workers, "worker", worker)):
                log = service.folder / f"{name}-{number}.log"
                found.append(Supervised(f"{name} node {number}", command, own, log))

    def start(self) -> None:
        for process in self.all():
            process.start()
        threading.Thread(target=self._supervise, daemon=True).start()
        self.until_ready()

    def stop(self) -> None:
        self._stopped.set()
        for process in self.all():
            process.stop()

    def all(self) -> tuple[Supervised, ...]:
        return (*self.web, *self.workers)

    def keep(self) -> None:
        """Start again what has ended. None should, unless it was killed."""
        with self._lock:
            for process in self.all():
                said = process.keep()
                if said:
                    self._figures.found(PERSON, f"{process.name} ended by itself: {said}")

    def kill(self, process: Supervised) -> None:
        """End a process and its children at once, as a power cut does. After a while it starts again."""
        with self._lock:
            process.kill()
            time.sleep(DOWN)
            process.start()

    def restart(self, process: Supervised) -> None:
        with self._lock:
            process.stop()
            process.start()

    def until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for port, process in zip(proxies.NODES, self.web, strict=True):
            while not _answers(f"http://127.0.0.1:{port}/readyz"):
                if time.monotonic() > deadline:
                    raise NotBack(f"/readyz of {process.name} was not 200 within {PATIENCE:.0f} s")
                time.sleep(0.1)

    def _supervise(self) -> None:
        while not self._stopped.wait(0.2):
            self.keep()


class Clock:
    """Notes when each kind of request was answered, and when the database took a write."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._times: dict[str, list[float]] = defaultdict(list)
        threading.Thread(target=self._write, daemon=True).start()

    def note(self, kind: str) -> None:
        self._times[kind].append(time.monotonic())

    def longest(self, kind: str, since: float) -> float:
        """Return the seconds of the longest time without an answer since then; the time until now is one of them."""
        times = [since, *(at for at in self._times[kind] if at >= since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def _write(self) -> None:
        """Write to whichever member takes it, without patience for any."""
        address = self._cluster.conninfo(connect_timeout=1, tcp_user_timeout=1000, options="-c statement_timeout=1s")
        while True:
            with contextlib.suppress(psycopg.Error), psycopg.connect(address, autocommit=True) as server:
                server.execute("CREATE TABLE IF NOT EXISTS drill (at timestamptz)")
                while True:
                    server.execute("INSERT INTO drill VALUES (now())")
                    self.note(DATABASE_WRITES)
                    time.sleep(0.05)
            time.sleep(0.05)


class FailoverDrill(Drill[Nodes]):
    """Plays events on a stage whose load never ends."""

    def __init__(self, played_on: Stage[Nodes], cluster: Cluster, rng: Random) -> None:
        super().__init__(played_on, rng, patient=True)
        self._cluster, self._clock = cluster, Clock(cluster)
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._waiting = 0
        self._new = [EndUser(f"first-{number}", GENERATED) for number in range(USERS)]

    def play(self, names: list[str], tell: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(CALLERS + sum(TIMED.values()) + 1) as pool:
            try:
                self._prepare(pool)
                asking = [pool.submit(self._ask, kind) for kind, number in TIMED.items() for _ in range(number)]
                asking.append(pool.submit(self._load, pool))
                try:
                    time.sleep(CALM)
                    for name in names:
                        self._play_event(name, tell)
                finally:
                    self._over.set()
                    for asked in asking:
                        asked.result()
                tell("looking at everything again")
                self._await_waiting()
                self._finish_work()
                self._look(pool, list(invariants.all_of(self._ledger)), EPOCH)
                self._seal()
            except NotBack as error:
                self._figures.found(PERSON, str(error))
        self._figures.count("standbys that the cluster's operator has made anew", number=self._cluster.made_anew)
        invariants.check_seals(self._stage.service, self._figures)

    def _prepare(self, pool: ThreadPoolExecutor) -> None:
        self._order_resources(pool)
        products = {PUT: LOCAL, PROMISE: SLOW}  # the mixed load removes other resources of theirs
        self._resources = {kind: (self._ledger.resources[product].pop(), product) for kind, product in products.items()}
        self._until_settled(self._partners.import_users({}, self._new))
        self._ledger.end_users += self._new[:1]
        self._known = self._new.pop(0)

    def _play_event(self, name: str, tell: Callable[[str], None]) -> None:
        began = time.monotonic()
        EVENTS[name](self)
        self._cluster.await_whole()
        self._processes.until_ready()
        time.sleep(CALM)
        away = self._clock.longest(DATABASE_WRITES, began)
        without = {kind: self._clock.longest(kind, began) for kind in TIMED}
        for kind, seconds in without.items():
            self._figures.took(f"{kind} is answered, beyond the database's own time", max(0.0, seconds - away))
            if seconds > away + MARGIN:
                self._figures.found(SLOWER, f"{name}: {kind} {seconds:.1f} s, the database {away:.1f} s")
        self._figures.count("events", name)
        tell(f"{name}: without an answer " + ", ".join(
            f"{kind} {seconds:.1f} s" for kind, seconds in ({DATABASE_WRITES: away} | without).items()
        ))  # fmt: skip

    def _load(self, pool: ThreadPoolExecutor) -> None:
        """Draw acts all the time, of which each is repeated until it is settled."""
        while not self._over.wait(1):
            if self._waiting < MOST_WAITING:
                for planned in self._plan.draw():
                    with self._changed:
                        self._waiting += 1
                    pool.submit(self._until_settled, planned.act).add_done_callback(self._settled)

    def _settled(self, done: Future[None]) -> None:
        with self._changed:
            self._waiting -= 1
            self._changed.notify()
        error = done.exception()
        if error is not None:
            self._figures.found(UNFINISHED, f"the drill itself failed: {error!r}")

    def _await_waiting(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self._waiting, PATIENCE):
                self._figures.found(UNFINISHED, f"{self._waiting} requests were not answered for {PATIENCE:.0f} s")

    def _ask(self, kind: str) -> None:
        """Ask for one thing of a kind after the other, for each until it is answered."""
        while not self._over.wait(0.1):
            self._until_settled(self._next(kind))
            self._clock.note(kind)

    def _next(self, kind: str) -> Act:
        if kind == EXCHANGE:
            return partial(self._partners.exchange, self._known)
        if kind == FIRST:
            user = self._new.pop()
            self._ledger.end_users.append(user)
            return partial(self._partners.exchange, user, kind)
        order = Order(new_id(), *self._resources[kind])
        self._ledger.orders.append(order)
        return partial(self._partners.put, order, kind)

    def _until_settled(self, act: Act) -> None:
        while not act():
            time.sleep(0.2)

    def _kill_primary(self) -> None:
        primary = self._cluster.primary()
        primary.kill()
        self._await_another(primary)
        primary.start(self._cluster.members)

    def _switch_over(self) -> None:
        self._cluster.switch_over()

    def _cut_off_primary(self) -> None:
        primary = self._cluster.primary()
        primary.cut_off()
        self._await_another(primary)
        time.sleep(DOWN)
        primary.join_again()

    def _kill_web_node(self) -> None:
        self._processes.kill(self._rng.choice(self._processes.web))

    def _kill_worker(self) -> None:
        self._processes.kill(self._rng.choice(self._processes.workers))

    def _restart_nodes(self) -> None:
        for process in self._processes.all():
            self._processes.restart(process)
            self._processes.until_ready()
            time.sleep(DOWN)

    def _await_another(self, primary: Member) -> None:
        while self._cluster.primary() is primary:
            time.sleep(0.1)


EVENTS: dict[str, Callable[[FailoverDrill], None]] = {
    "primary-killed": FailoverDrill._kill_primary,
    "switchover": FailoverDrill._switch_over,
    "primary-cut-off": FailoverDrill._cut_off_primary,
    "web-node-killed": FailoverDrill._kill_web_node,
    "worker-killed": FailoverDrill._kill_worker,
    "nodes-restarted": FailoverDrill._restart_nodes,
}


@contextlib.contextmanager
def stage(figures: Figures, rng: Random) -> Iterator[tuple[Stage[Nodes], Cluster]]:
    """Set it up and start it. What it started ends with the namespaces that it runs in."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="credservice-failover-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # PostgreSQL's account has to pass through
        cluster = Cluster(folder)
        cluster.start()
        proxies.start(cluster, folder)
        vendor = stack.enter_context(Vendor(Random(rng.random())).serving())
        service = LiveService(
            folder,
            f"postgres://{OWNER}@127.0.0.1:{proxies.PRIMARY}/{DATABASE}",
            PUBLIC_URL="https://credentials.example.com",
            TRUSTED_PROXIES="127.0.0.1",
            OUTGOING_ALLOWED_NETWORKS="127.0.0.0/8",
            AUDIT_ANCHOR_FILE=str(folder / "anchors"),
            WEB_WORKERS="2",
            DRAIN_SECONDS="3",
            **vendor.environment(),
        )
        service.base_url = f"http://127.0.0.1:{proxies.WEB}"
        partners: Partners = set_up(stack, service, figures)
        service.environment["ENVIRONMENT"] = "production"  # the demonstration's set-up is refused there
        manage(service, "collectstatic", "--no-input")
        nodes = Nodes(cluster, service, figures)
        stack.callback(nodes.stop)
        nodes.start()
        yield Stage(service, vendor, partners, nodes, figures), cluster


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(url, timeout=5, trust_env=False, headers={"X-Forwarded-Proto": "https"}).status_code == 200
    return False
