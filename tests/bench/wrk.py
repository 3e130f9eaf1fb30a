"""Running wrk, and reading what it prints."""

import re
import subprocess
from dataclasses import dataclass, replace

import psutil

from tests.live import LiveService

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_THROUGHPUT = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_ERRORS = re.compile(
    r"Non-2xx or 3xx responses: (\d+)|Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"
)


@dataclass(frozen=True)
class Figures:
    """Requests a second, milliseconds to the answer, how many were not answered by a 2xx.

    ``cpu``: milliseconds of the workers' processor time for each, which other programs on the machine do not lengthen.
    """

    throughput: float
    p50: float
    p99: float
    errors: int
    cpu: float = 0.0


def run(service: LiveService, script: str, *, seconds: float, connections: int) -> Figures:
    file = service.folder / "wrk.lua"
    file.write_text(script)
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(file)]
    url = f"http://127.0.0.1:{service.port}"
    before = processor_seconds(service)
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    found = read(done.stdout)
    return replace(found, cpu=1000 * (processor_seconds(service) - before) / (found.throughput * seconds))


def processor_seconds(service: LiveService) -> float:
    """What the workers have used so far."""
    used = [worker.cpu_times() for worker in psutil.Process(service.pid).children()]
    return sum(times.user + times.system for times in used)


def read(printed: str) -> Figures:
    throughput = _THROUGHPUT.search(printed)
    latencies = {percent: float(number) * UNITS[unit] for percent, number, unit in _LATENCY.findall(printed)}
    if throughput is None or set(latencies) != {"50", "99"}:
        raise ValueError(f"wrk printed no figures:\n{printed}")
    errors = sum(int(number) for found in _ERRORS.findall(printed) for number in found if number)
    return Figures(float(throughput[1]), latencies["50"], latencies["99"], errors)
