"""Runs wrk on a server, and adds what the server's processes used meanwhile."""

import json
import math
import subprocess
import tempfile
from dataclasses import dataclass

from tests.bench.processes import processor_seconds
from tests.bench.servers import Server


@dataclass(frozen=True)
class Figures:
    """Answers, milliseconds to them, how many were wrong or missing; milliseconds of processor time for each."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int
    cpu: float = 0.0  # of the server's processes, which other programs on the machine do not lengthen
    postgres_cpu: float = 0.0

    @property
    def throughput(self) -> float:
        return self.requests / self.seconds


def run(
    server: Server, script: str, *, seconds: int, connections: int, postgres: int | None = None, recorded: bool = True
) -> Figures:
    """Send what ``script`` makes. An answer without a line in the trail is an error as well, where it is ``recorded``.

    A latency is infinite where nothing was answered. ``postgres`` is the process id of PostgreSQL.
    """
    before, lines = [processor_seconds(pid) for pid in (server.pid, postgres)], server.lines()
    found = _wrk(server, script, seconds, connections)
    used = [processor_seconds(pid) - start for pid, start in zip((server.pid, postgres), before, strict=True)]
    requests = found.pop("requests")
    if not requests:
        return Figures(0, found["seconds"], math.inf, math.inf, found["errors"], math.inf, math.inf)
    if recorded:
        found["errors"] += max(0, requests - (server.lines() - lines))
    cpu, postgres_cpu = (1000 * one / requests for one in used)
    return Figures(requests, **found, cpu=cpu, postgres_cpu=postgres_cpu)


def _wrk(server: Server, script: str, seconds: int, connections: int) -> dict[str, int]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", file.name]
        done = subprocess.run([*command, server.base_url], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found
