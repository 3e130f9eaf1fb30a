"""Runs a real PgBouncer in transaction mode, with its default settings, before a cluster of the test's own."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.os_account import Account
from credservice.devserver.postgres import EmbeddedPostgres
from tests.support.live import free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
_CONFIGURATION = """
[databases]
* = host={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
admin_users = credservice
pool_mode = transaction
"""


class PgBouncer:
    """Started and stopped at will; ``url`` leads through it."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres) -> None:
        parts = urlsplit(postgres.url)
        assert parts.password is not None
        self.port = free_port()
        self.url = f"postgres://{parts.username}:{parts.password}@127.0.0.1:{self.port}/{parts.path.rpartition('/')[2]}"
        self._folder = folder
        self._process: LeashedProcess | None = None
        (folder / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
        server = psycopg.conninfo.conninfo_to_dict(postgres.conninfo())["host"]
        text = _CONFIGURATION.format(server=server, port=self.port, folder=folder)
        (folder / "pgbouncer.ini").write_text(text)
        for name in ("users", "pgbouncer.ini"):
            Account.choose().own(folder / name)

    def start(self) -> None:
        assert PROGRAM is not None
        with (self._folder / "pgbouncer.log").open("ab") as log:
            command = [PROGRAM, str(self._folder / "pgbouncer.ini")]
            self._process = LeashedProcess(command, account=Account.choose(), cwd=Path("/"), output=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / "pgbouncer.log").read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as a crash: SIGTERM does not wait for clients."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def pooled_postgres() -> Iterator[tuple[EmbeddedPostgres, PgBouncer]]:
    """Yield a new cluster and the pooler before it, both running."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-pooler-"))
    folder.chmod(0o711)  # run as root, the servers' account has to pass through
    try:
        with EmbeddedPostgres(folder / "postgres", durable=False) as postgres:
            pooler = PgBouncer(folder, postgres)
            pooler.start()
            try:
                yield postgres, pooler
            finally:
                pooler.stop()
    finally:
        shutil.rmtree(folder)
