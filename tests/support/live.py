"""The service as it is served: the server with its own settings, a database of its own, the demonstration set-up.

The first set-up of a run is kept as a template: a database that is copied, with the keys and secrets that go with it.

``live_service`` is shared by the tests of one process; what kills something uses ``serving`` for itself.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import psutil
import psycopg
import pytest

from credservice.core.checkout import SERVER
from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.demo import DEMO_FILE, make_secrets
from credservice.devserver.envfile import random_keys
from tests.support.paths import ROOT

READY_SECONDS = 60
# What a set-up of the caller's must not be mixed with.
_OURS = (
    *("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "DATABASE_DIRECT_URL", "VAR_DIR", "ALLOWED_HOSTS"),
    *("ENVIRONMENT", "PORT", "BIND"),
)


class LiveService:
    """One served set-up. ``environment`` is that of its processes; its secrets and log are in ``folder``."""

    code = ROOT  # the checkout that its processes run

    def __init__(self, folder: Path, database_url: str, **environment: str) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self.port = free_port()
        self.base_url = f"http://localhost:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in _OURS}
        self.environment = inherited | random_keys() | {
            "ENVIRONMENT": "development",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DATABASE_URL": database_url,
            "VAR_DIR": str(folder),
            "PORT": str(self.port),
            "PUBLIC_URL": self.base_url,
            "DRAIN_SECONDS": "0",  # no proxy in front has to notice
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),  # removed with the folder, also after a kill
        } | environment  # fmt: skip
        self._process: LeashedProcess | None = None

    def set_up(self) -> None:
        """Tables and the demonstration set-up."""
        if _is_beside_the_tests(self.environment["DATABASE_URL"]):
            self._copy(template())
        else:
            self._make()

    def _make(self) -> None:
        (self.folder / "metrics").mkdir()
        make_secrets(self.folder / "demo")
        demo = self.code / DEMO_FILE.resolve().relative_to(ROOT)  # another release's knows other keys
        for command in (["migrate", "--no-input"], ["apply", str(demo)]):
            done = self.manage(*command)
            assert done.returncode == 0, done.stdout + done.stderr

    def _copy(self, made: "Template") -> None:
        (self.folder / "metrics").mkdir()
        shutil.copytree(made.folder / "demo", self.folder / "demo")
        self.environment |= made.keys
        name = _name_of(self.environment["DATABASE_URL"])
        with psycopg.connect(conninfo(os.environ["DATABASE_URL"]), autocommit=True) as connection:
            drop_database(connection, name)
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {made.database} STRATEGY FILE_COPY")

    def manage(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` on this set-up."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.code, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = LeashedProcess(SERVER, env=self.environment, cwd=self.code, output=log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"the server ended: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The server's master process; its workers are its children."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """As an operator stops it: what is being answered is answered to its end."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """SIGKILL to the server and all its workers: nobody finishes anything."""
        master = psutil.Process(self.pid)
        master.suspend()  # or it would start another worker meanwhile, who answers for the next server
        processes = [master, *master.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.stop()
        psutil.wait_procs(processes, timeout=10)  # a port that is shared may lead to one who is still on their way out

    def restart(self) -> None:
        self.kill()
        self.start()

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        with psycopg.connect(conninfo(self.environment["DATABASE_URL"])) as connection:
            return connection.execute(statement, parameters or None).fetchall()

    def secret(self, name: str) -> str:
        """One of the demonstration's generated secrets."""
        return (self.folder / "demo" / name).read_text().strip()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.base_url}/healthz", timeout=5).status_code == 200
        return False


class Template(NamedTuple):
    """A set-up that others are copied from: its database, the keys that it is sealed under, the partners' secrets."""

    folder: Path
    database: str
    keys: dict[str, str]


def template() -> Template:
    """Make the run's template, or wait for the process that makes it."""
    folder = Path(os.environ["VAR_DIR"]) / "live-template"
    folder.mkdir(exist_ok=True)
    noted = folder / "template.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not noted.exists():
            name = f"live_template_{secrets.token_hex(6)}"
            with psycopg.connect(conninfo(os.environ["DATABASE_URL"]), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            service = LiveService(folder, _beside_the_tests(name))
            service._make()
            noted.write_text(json.dumps([name, {key: service.environment[key] for key in random_keys()}]))
    return Template(folder, *json.loads(noted.read_text()))


def drop_template() -> None:
    """Leave nothing in a PostgreSQL that outlives the run."""
    noted = Path(os.environ["VAR_DIR"]) / "live-template" / "template.json"
    if noted.exists():
        name, _ = json.loads(noted.read_text())
        with psycopg.connect(conninfo(os.environ["DATABASE_URL"]), autocommit=True) as connection:
            drop_database(connection, name)


def _beside_the_tests(name: str) -> str:
    return f"{os.environ['DATABASE_URL'].partition('?')[0].rpartition('/')[0]}/{name}"


def _is_beside_the_tests(database_url: str) -> bool:
    return "DATABASE_URL" in os.environ and database_url == _beside_the_tests(_name_of(database_url))


def _name_of(database_url: str) -> str:
    return database_url.partition("?")[0].rpartition("/")[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def conninfo(database_url: str) -> str:
    """The same for libpq, which writes a socket's folder otherwise than django-environ does."""
    import environ

    config = environ.Env.db_url_config(database_url)
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    found = {name: str(config[key]) for name, key in parts.items() if config.get(key)}
    return psycopg.conninfo.make_conninfo(**found)


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop it with who is connected to it. ``WITH (FORCE)`` is refused while autovacuum is at work there."""
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
    connection.execute(ended, [name])
    connection.execute(f"DROP DATABASE IF EXISTS {name}")


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """The address of a new, empty database in the tests' PostgreSQL; dropped afterwards."""
    base = os.environ["DATABASE_URL"]
    name = f"live_{secrets.token_hex(6)}"
    with psycopg.connect(conninfo(base), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield _beside_the_tests(name)
        finally:
            drop_database(connection, name)


@contextlib.contextmanager
def serving(database_url: str, *, pages: bool = False, **environment: str) -> Iterator[LiveService]:
    """A set-up service, stopped afterwards. ``pages`` for those who open the console's."""
    with tempfile.TemporaryDirectory(prefix="credservice-live-") as folder:
        service = LiveService(Path(folder), database_url, **environment)
        service.set_up()
        if pages:
            service.manage("collectstatic", "--no-input").check_returncode()
        service.start()
        try:
            yield service
        finally:
            service.stop()


@pytest.fixture(scope="session")
def live_service() -> Iterator[LiveService]:
    """Shared: leave it as it was found."""
    with own_database() as url, serving(url) as service:
        yield service
