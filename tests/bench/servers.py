"""Starts what is measured: PostgreSQL, the service with few and with many installations, and the hand-written peer."""

import contextlib
import json
import math
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg

from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.postgres import EmbeddedPostgres
from provisioning.checker.keys import MasterKey, encode_base64url
from tests.support.live import LiveService, conninfo, drop_template, free_port, own_database
from tests.support.paths import ROOT

RESOURCES = 1_000
# As docs/operating.md advises for a machine of some memory; the rest is PostgreSQL's own, with fsync.
MEMORY, WAL = "2GB", "8GB"
LEAST_PART = 20_000  # of the installations: for fewer another process is not worth its start
PEER = ("-m", "uvicorn", "tests.bench.peers.app:app", "--workers", "2", "--loop", "uvloop", "--http", "httptools")
READY_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """One that answers on a port of this machine. ``pid`` is the first of its processes."""

    port: int
    pid: int
    database: str = field(repr=False)  # libpq's connection string
    trail: str  # the table with a line for each answer

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_healthy(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=1)  # a client that costs little
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def lines(self) -> int:
        with psycopg.connect(self.database) as connection:
            return int((connection.execute(f"SELECT count(*) FROM {self.trail}").fetchone() or [0])[0])

    def analyze(self) -> None:
        """Have plans made anew, for what tables hold now: autovacuum does so, but within a minute."""
        with psycopg.connect(self.database) as connection:
            connection.execute("ANALYZE")


@dataclass(frozen=True)
class Servers:
    """All that is measured. The secrets of all three are those of ``demo``, so that one signature fits them all."""

    few: Server
    many: Server
    peer: Server
    demo: LiveService
    large_file: str  # path of one of ours, more than the kernel keeps for a client who does not read
    postgres: int | None  # process id of PostgreSQL, where it is this benchmark's own


@contextlib.contextmanager
def postgres() -> Iterator[EmbeddedPostgres | None]:
    """Start a PostgreSQL as durable as in production, unless DATABASE_URL names one, for `tests.support.live` to use.

    Everything is removed afterwards.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="credservice-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
        (folder / "var").mkdir(mode=0o700)
        server = None
        if not os.environ.get("DATABASE_URL"):
            server = stack.enter_context(EmbeddedPostgres(folder / "postgres", shared_buffers=MEMORY, max_wal_size=WAL))
            os.environ["DATABASE_URL"] = server.url
        os.environ["VAR_DIR"] = str(folder / "var")
        stack.callback(drop_template)
        yield server


@contextlib.contextmanager
def servers(few: int, many: int) -> Iterator[Servers]:
    """Start all, with so many installations each; the peer has the few."""
    with postgres() as server, _ours(few) as ours, _ours(many) as larger, _peer(few, ours) as peer:
        if server is not None:
            with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
                connection.execute("CHECKPOINT")  # what was loaded is not written out during the measurements
        large_file = _largest_script(ours.folder / "static")
        yield Servers(_server(ours), _server(larger), peer, ours, large_file, server.pid if server else None)


@contextlib.contextmanager
def _ours(installations: int) -> Iterator[LiveService]:
    with (
        own_database() as url,
        tempfile.TemporaryDirectory(prefix="credservice-bench-") as folder,
        contextlib.ExitStack() as stack,
    ):
        service = LiveService(
            Path(folder), url, ENVIRONMENT="production", DJANGO_SETTINGS_MODULE="tests.bench.settings"
        )
        _set_up(service, installations)
        stack.callback(service.stop)
        service.start()
        yield service


def _set_up(service: LiveService, installations: int) -> None:
    started = time.monotonic()
    service.set_up()
    strict = service.folder / "strict.json"  # what the demonstration allows is refused in production
    strict.write_text(json.dumps({"marketplaces": {"manifold": {"sign_on_404": "refuse"}}}))
    for command in (["apply", str(strict)], ["collectstatic", "--no-input"]):
        done = service.manage(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    _load(service, installations)
    with psycopg.connect(conninfo(service.environment["DATABASE_URL"]), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(f"# {installations} installations in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _load(service: LiveService, installations: int) -> None:
    part = max(LEAST_PART, math.ceil(installations / (os.cpu_count() or 1)))
    loaders = []
    for first in range(0, installations, part):
        numbers = first, min(first + part, installations), 0 if first else RESOURCES
        command = [sys.executable, "-m", "tests.bench.data", *map(str, numbers)]
        environment = service.environment | {"DJANGO_SETTINGS_MODULE": "credservice.settings"}
        loaders.append(subprocess.Popen(command, cwd=ROOT, env=environment))
    if sum(loader.wait() for loader in loaders):
        raise RuntimeError("The data could not be loaded.")


def _server(service: LiveService) -> Server:
    return Server(service.port, service.pid, conninfo(service.environment["DATABASE_URL"]), "audit_auditevent")


@contextlib.contextmanager
def _peer(installations: int, ours: LiveService) -> Iterator[Server]:
    """Start the peer, with a database of its own and the partners' secrets of ``ours``."""
    with own_database() as url:
        master_key = MasterKey.load(ours.folder / "demo" / "masterkey.json")
        environment = os.environ | _libpq(conninfo(url)) | {
            "PEER_MASTER_KEY": encode_base64url(master_key.public),
            "PEER_SEALING_KEY": secrets.token_hex(32),
            "PEER_SECRET": ours.secret("mindcloud-signing-secret"),
        }  # fmt: skip
        data = [sys.executable, "-m", "tests.bench.peers.data", str(installations), str(RESOURCES)]
        subprocess.run(data, cwd=ROOT, env=environment, check=True)
        port = free_port()
        command = [sys.executable, *PEER, "--port", str(port), "--no-access-log", "--log-level", "warning"]
        process = LeashedProcess(command, env=environment, cwd=ROOT)
        try:
            server = Server(port, process.pid, conninfo(url), "audit")
            _wait(server, process)
            yield server
        finally:
            process.stop()


def _largest_script(folder: Path) -> str:
    largest = max(folder.rglob("*.js"), key=lambda path: path.stat().st_size)
    return f"/static/{largest.relative_to(folder).as_posix()}"


def _libpq(info: str) -> dict[str, str]:
    """Write a connection string as libpq's environment variables, which asyncpg and psycopg both read."""
    names: dict[str, str] = {"dbname": "PGDATABASE", "host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}
    parts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(info)
    return {names.get(name, f"PG{name.upper()}"): str(part) for name, part in parts.items()}


def _wait(server: Server, process: LeashedProcess) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not server.is_healthy():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("The peer does not answer.")
        time.sleep(0.05)
