"""Running wrk, and reading what it prints."""

import re
import subprocess
from dataclasses import dataclass

from tests.live import LiveService

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_THROUGHPUT = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_ERRORS = re.compile(
    r"Non-2xx or 3xx responses: (\d+)|Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"
)


@dataclass(frozen=True)
class Figures:
    """Requests a second, latencies in milliseconds, and how many requests were not answered by a 2xx."""

    throughput: float
    p50: float
    p99: float
    errors: int


def run(service: LiveService, script: str, *, seconds: float, connections: int) -> Figures:
    file = service.folder / "wrk.lua"
    file.write_text(script)
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(file)]
    url = f"http://127.0.0.1:{service.port}"
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    return read(done.stdout)


def read(printed: str) -> Figures:
    throughput = _THROUGHPUT.search(printed)
    latencies = {percent: float(number) * UNITS[unit] for percent, number, unit in _LATENCY.findall(printed)}
    if throughput is None or set(latencies) != {"50", "99"}:
        raise ValueError(f"wrk printed no figures:\n{printed}")
    errors = sum(int(number) for found in _ERRORS.findall(printed) for number in found if number)
    return Figures(float(throughput[1]), latencies["50"], latencies["99"], errors)
