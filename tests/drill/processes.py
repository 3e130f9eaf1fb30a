"""Runs what is killed, and starts it again as a supervisor does: PostgreSQL, the web server, the workers."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx2
import psutil

from credservice.core.checkout import SERVER
from credservice.devserver import Refusal
from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.postgres import EmbeddedPostgres
from tests.drill.figures import PERSON, Figures
from tests.support.live import LiveService
from tests.support.paths import ROOT

PATIENCE = 150.0  # seconds after which somebody would be called
ORPHAN_SECONDS = 30.0
TRIES = 20  # starts after one kill
RESTART_PAUSE = 0.2
WORKERS = 2


class Supervised:
    """One process that is started again whenever it has ended, as by systemd's ``Restart=always``."""

    def __init__(self, name: str, command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command, self._environment, self._log = command, environment, log
        self._started_at = 0.0
        self._process: LeashedProcess | None = None

    def start(self) -> None:
        self._started_at = time.monotonic()
        with self._log.open("ab") as log:
            self._process = LeashedProcess(self._command, env=self._environment, cwd=ROOT, output=log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def keep(self) -> str | None:
        """Start it again where it has ended. Returns what it said last, or None where it goes on."""
        if self._process is None or self._process.poll() is None or time.monotonic() < self._started_at + RESTART_PAUSE:
            return None
        said = "killed" if self._process.poll() == -signal.SIGKILL else self._last_line()
        self.stop()
        self.start()
        return said

    def _last_line(self) -> str:
        lines = self._log.read_text().splitlines()
        return lines[-1].partition(":")[0][:52] if lines else "said nothing"

    def kill(self) -> None:
        """End it and all its children at once."""
        for process in [psutil.Process(self.pid), *_children(self.pid)]:
            _kill(process)
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None


class Processes:
    """All that serves, on one machine. ``kill`` ends one of them at once; ``keep`` is the supervisor's part."""

    def __init__(self, postgres: EmbeddedPostgres, service: LiveService, figures: Figures) -> None:
        self._postgres, self._service, self.figures = postgres, service, figures
        environment = service.environment
        self._web = Supervised("web", SERVER, environment, service.log)
        manage = (sys.executable, str(ROOT / "manage.py"), "worker")
        self._workers = [
            Supervised(f"worker {number}", manage, environment, service.folder / f"worker-{number}.log")
            for number in range(1, WORKERS + 1)
        ]
        self._orphans: list[psutil.Process] = []
        self._failed = 0

    def start(self) -> None:
        for process in self._all():
            process.start()
        self.until_ready()

    def stop(self) -> None:
        for process in self._all():
            process.stop()
        for orphan in self._orphans:
            _kill(orphan)

    def kill(self, victim: str, rng: Random) -> None:
        """SIGKILL, and what a supervisor does when it notices."""
        self._failed = 0
        self.figures.count("kills", victim)
        {
            "web process": self._kill_web_process,
            "web server's master": self._kill_master,
            "worker": self._kill_worker,
            "database backend": self._kill_backend,
            "PostgreSQL": self._kill_postgres,
        }[victim](rng)
        self.keep()

    def keep(self) -> None:
        """Start again what has ended."""
        for process in self._all():
            said = process.keep()
            if said is not None:
                self.figures.count("starts by the supervisor", process.name)
            if said not in (None, "killed"):
                self.figures.count("of these, of what ended by itself", said)
                self._failed += 1
            if self._failed > TRIES:
                raise NotBack(f"{process.name} ends whenever it is started: {said}")

    def until_ready(self) -> None:
        """Wait for the service; whoever does not come back by itself needs a person."""
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise NotBack(f"/readyz was not 200 again within {PATIENCE:.0f} s of restarts")
            self.keep()
            time.sleep(0.02)

    def until_no_orphans(self) -> None:
        """Wait for the children of killed masters, which have to go by themselves."""
        _, left = psutil.wait_procs(self._orphans, timeout=ORPHAN_SECONDS)
        for process in left:
            self.figures.found(PERSON, f"web process {process.pid} outlives its killed master, and holds the port")
            _kill(process)
        self._orphans = []

    def _all(self) -> list[Supervised]:
        return [self._web, *self._workers]

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return httpx2.get(f"{self._service.base_url}/readyz", timeout=5, trust_env=False).status_code == 200
        return False

    def _kill_web_process(self, rng: Random) -> None:
        children = _children(self._web.pid)
        if children:  # the master may be on its way up
            _kill(rng.choice(children))

    def _kill_master(self, _: Random) -> None:
        self.until_no_orphans()  # those of an earlier one
        self._orphans += _children(self._web.pid)
        _kill_and_wait(self._web.pid)

    def _kill_worker(self, rng: Random) -> None:
        _kill_and_wait(rng.choice(self._workers).pid)

    def _kill_backend(self, rng: Random) -> None:
        assert self._postgres.pid is not None
        ours = [process for process in _children(self._postgres.pid) if "credservice credservice" in _title(process)]
        if ours:
            _kill(rng.choice(ours))

    def _kill_postgres(self, _: Random) -> None:
        assert self._postgres.pid is not None
        _kill_and_wait(self._postgres.pid)
        self._postgres.stop()
        deadline = time.monotonic() + PATIENCE
        while True:  # its backends go when they notice; until then a new one refuses to start
            try:
                self._postgres.start()
                return
            except Refusal as refusal:
                if time.monotonic() > deadline:
                    raise NotBack(f"PostgreSQL: {refusal}") from None
                time.sleep(RESTART_PAUSE)


class NotBack(Exception):
    """Raised where something does not come back by itself; the text says what."""


# How often each is killed in ten rounds: what is quickly back more often than what is not.
VICTIMS = {"web process": 3, "worker": 3, "database backend": 2, "PostgreSQL": 1, "web server's master": 1}


@contextmanager
def database() -> Iterator[tuple[Path, EmbeddedPostgres]]:
    """A folder, and in it a PostgreSQL as durable as in production. Both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-drill-"))
    try:
        folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
        with EmbeddedPostgres(folder / "postgres") as postgres:
            yield folder, postgres
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children()
    return []


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _kill_and_wait(pid: int) -> None:
    """Kill it and wait until it is dead, though not until somebody has asked for its status: its owner does that."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
