"""``python -m tests.bench``: PostgreSQL, the production server and wrk on this machine, all on loopback.

Everything is made in a temporary folder and removed. Takes about three minutes.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import psycopg

from credservice.local import Refusal
from credservice.local.postgres import EmbeddedPostgres
from tests.bench import importing
from tests.bench.cases import Bench
from tests.bench.report import budgets, figures
from tests.bench.requests import PATH
from tests.e2e.partners import IDS, TIMEOUT, MindCloud
from tests.live import ROOT, LiveService, conninfo

FEW, RESOURCES = 1_000, 1_000
MIB = 1024 * 1024


def main() -> int:
    options = arguments()
    if options.rows:
        return importing.measure(options.rows)
    if shutil.which("wrk") is None:
        print("The load generator wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    try:
        with services(options.installations) as (few, many), httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
            counts = {"few": FEW, "many": options.installations, "resources": RESOURCES}
            bench = Bench(few, many, counts, options.seconds, client)
            measure(bench, options.rounds)
            return report(bench)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--installations", type=int, default=100_000, help="of the larger set-up (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="for each measurement (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best is taken (default %(default)s)")
    parser.add_argument("--import", dest="rows", type=int, metavar="ROWS", help="measure an import of so many, alone")
    return parser.parse_args()


@contextlib.contextmanager
def services(installations: int) -> Iterator[tuple[LiveService, LiveService]]:
    """Two served set-ups in one PostgreSQL that is as durable as in production."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="credservice-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        found = [
            serve(stack, server.url, folder, name, count) for name, count in (("few", FEW), ("many", installations))
        ]
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # what was loaded is not written out during the measurements
        yield found[0], found[1]


def serve(stack: contextlib.ExitStack, url: str, folder: Path, name: str, installations: int) -> LiveService:
    started = time.monotonic()
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    (folder / name).mkdir(mode=0o700)
    service = LiveService(
        folder / name,
        f"{url.rpartition('/')[0]}/{name}",
        ENVIRONMENT="production",
        DJANGO_SETTINGS_MODULE="tests.bench.settings",
    )
    service.set_up()
    service.manage("collectstatic", "--noinput")  # or it does not start in production
    command = [sys.executable, "-m", "tests.bench.data", str(installations), str(RESOURCES)]
    subprocess.run(command, cwd=ROOT, env=service.environment, check=True)
    service.start()
    stack.callback(service.stop)
    print(f"# {installations} installations, {RESOURCES} resources: {time.monotonic() - started:.0f} s", flush=True)
    return service


def measure(bench: Bench, rounds: int) -> None:
    bench.warm_up()
    for steps in [bench.round] * rounds + [bench.paced_round] * rounds:
        for name in steps():
            print(f"# measuring {name}", file=sys.stderr, flush=True)


def report(bench: Bench) -> int:
    """Print everything. The status is 1 where a request failed: figures of failures are worth nothing."""
    memory = worker_memory(bench.many)
    round_trips = exchange_statements(bench)
    for line in figures(bench, memory, round_trips):
        print(line)
    for budget in budgets(bench, memory, round_trips):
        print(budget.line())
    return 1 if bench.errors() else 0


def worker_memory(service: LiveService) -> float:
    """The largest worker's, in MiB: what it would need alone, with what it shares with the others."""
    return max(process.memory_info().rss for process in psutil.Process(service.pid).children()) / MIB


def exchange_statements(bench: Bench) -> int:
    """How many statements one exchange sends."""
    headers = MindCloud(bench.few, bench.client).headers(PATH)
    command = [sys.executable, "-m", "tests.bench.statements", PATH, json.dumps(IDS), json.dumps(headers)]
    done = subprocess.run(command, cwd=ROOT, env=bench.few.environment, check=True, capture_output=True, text=True)
    return int(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
