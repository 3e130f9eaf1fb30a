"""``python -m tests.bench --import ROWS``: the command on a file of so many new end users, each with a grant and a
credential of its own, then on the same file again; then as many rows over HTTP, 50,000 at most, a part at a time.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil

from tests.bench.servers import postgres
from tests.support.live import LiveService, own_database
from tests.support.paths import ROOT

BUDGET = 5_000.0  # rows/s (design, section 8)
MIB = 1024 * 1024
OVER_HTTP, PART = 50_000, 10_000


def measure(rows: int) -> int:
    """Print the figures and the budget. The status is 1 where the import failed."""
    with _service() as service:
        file = service.folder / "rows.ndjson"
        _write(file, rows, "import")
        for name in ("import", "import_again"):
            seconds, peak, status = _run(service, file)
            if status:
                return 1
            print(f"{name}_throughput {rows / seconds:.0f} rows/s")
            print(f"{name}_memory {peak / MIB:.0f} MiB", flush=True)
            if name == "import":
                met = "met    " if rows / seconds >= BUDGET else "NOT MET"
                print(f"# {met} import: {rows / seconds:.3g}, at least {BUDGET:g} rows/s", flush=True)
        print(f"import_over_http_throughput {_over_http(service, min(rows, OVER_HTTP)):.0f} rows/s")
    return 0


@contextlib.contextmanager
def _service() -> Iterator[LiveService]:
    """A set-up in a PostgreSQL that is as durable as in production; nothing is served."""
    with (
        postgres(),
        own_database() as url,
        tempfile.TemporaryDirectory(prefix="credservice-bench-") as folder,
    ):
        service = LiveService(Path(folder), url)
        service.set_up()
        yield service


def _write(file: Path, rows: int, prefix: str) -> None:
    with file.open("w") as out:
        for number in range(rows):
            grant = {"integration_id": "int_abc123", "values": {"apiKey": f"value-of-customer-{number:09d}"}}
            row = {
                "external_id": f"{prefix}-{number}",
                "end_user_id": f"enduser_{prefix}_{number}",
                "name": f"Customer {number}",
                "attributes": {"region": "eu"},
                "grants": [grant],
            }
            out.write(json.dumps(row) + "\n")


def _run(service: LiveService, file: Path) -> tuple[float, float, int]:
    """Seconds with the start of the processes, the peak of all their memory in bytes, the exit code."""
    command = [sys.executable, "manage.py", "import_credentials", str(file)]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=service.environment)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.2)
    return time.monotonic() - started, peak, process.returncode


def _memory(pid: int) -> int:
    """Measure what a process and its children take, each shared page counted once among those who share it."""
    taken = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (first := psutil.Process(pid), *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                taken += process.memory_full_info().pss
    return taken


def _over_http(service: LiveService, rows: int) -> float:
    """Rows a second, one request at a time."""
    file = service.folder / "parts.ndjson"
    _write(file, rows, "http")
    lines = file.read_bytes().splitlines(keepends=True)
    token = service.manage("create_token", "bench", "--scope=bulk:write").stdout.split()[-1]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    service.start()
    try:
        with httpx2.Client(base_url=service.base_url, headers=headers, timeout=60, trust_env=False) as client:
            started = time.monotonic()
            for first in range(0, rows, PART):
                answer = client.post("/api/v1/bulk", content=b"".join(lines[first : first + PART]))
                assert answer.json()["created"] == len(lines[first : first + PART]), answer.text
            return rows / (time.monotonic() - started)
    finally:
        service.stop()
