"""``python -m tests.bench --import ROWS``: the command on a file of so many new end users, each with a grant and a
credential of its own, and then on the same file again."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from credservice.local.postgres import EmbeddedPostgres
from tests.live import ROOT, LiveService, conninfo

BUDGET = 5_000.0  # rows/s (design, section 8)
MIB = 1024


def measure(rows: int) -> int:
    """Print both figures and the budget. The status is 1 where the import failed."""
    with _service() as service:
        file = service.folder / "rows.ndjson"
        _write(file, rows)
        for name in ("import", "import_again"):
            seconds, peak, status = _run(service, file)
            if status:
                return 1
            print(f"{name}_throughput {rows / seconds:.0f} rows/s")
            print(f"{name}_memory {peak:.0f} MiB")
            if name == "import":
                met = "met    " if rows / seconds >= BUDGET else "NOT MET"
                print(f"# {met} import: {rows / seconds:.3g}, at least {BUDGET:g} rows/s", flush=True)
    return 0


@contextlib.contextmanager
def _service() -> Iterator[LiveService]:
    """A set-up in a PostgreSQL that is as durable as in production; nothing is served."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="credservice-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        with psycopg.connect(conninfo(server.url), autocommit=True) as connection:
            connection.execute("CREATE DATABASE importing")
        (folder / "importing").mkdir(mode=0o700)
        service = LiveService(folder / "importing", f"{server.url.rpartition('/')[0]}/importing")
        service.set_up()
        yield service


def _write(file: Path, rows: int) -> None:
    with file.open("w") as out:
        for number in range(rows):
            grant = {"integration_id": "int_abc123", "values": {"apiKey": f"value-of-customer-{number:09d}"}}
            row = {
                "external_id": f"import-{number}",
                "end_user_id": f"enduser_import_{number}",
                "name": f"Customer {number}",
                "attributes": {"region": "eu"},
                "grants": [grant],
            }
            out.write(json.dumps(row) + "\n")


def _run(service: LiveService, file: Path) -> tuple[float, float, int]:
    """Seconds with the start of the process, its peak memory in MiB, its exit code."""
    command = [sys.executable, "manage.py", "import_credentials", str(file)]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=service.environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - started, usage.ru_maxrss / MIB, process.returncode
