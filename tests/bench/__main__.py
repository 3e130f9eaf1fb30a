"""Measure the service beside a hand-written peer: PostgreSQL, both servers and wrk on this machine, all on loopback.

Everything is made in a temporary folder and removed.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator

import httpx2

from credservice.devserver import Refusal
from tests.bench import importing
from tests.bench.broker import Broker
from tests.bench.cases import Bench
from tests.bench.checks import check
from tests.bench.processes import largest_memory
from tests.bench.report import lines
from tests.bench.servers import Servers, servers
from tests.e2e.partners import TIMEOUT, Manifold, MindCloud


def main() -> int:
    options = arguments()
    if options.rows:
        return importing.measure(options.rows)
    if shutil.which("wrk") is None:
        print("The load generator wrk is missing: apt-get install wrk", file=sys.stderr)
        return 2
    try:
        with servers(options.few, options.installations) as found:
            return measure(found, options)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--few", type=int, default=1_000, help="installations of the smaller set-up (%(default)s)")
    parser.add_argument(
        "--installations", type=int, default=1_000_000, help="of the larger one; fewer are loaded sooner (%(default)s)"
    )
    parser.add_argument("--seconds", type=int, default=4, help="for each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of a second, 5,000 installations")
    parser.add_argument("--import", dest="rows", type=int, metavar="ROWS", help="measure an import of so many, alone")
    options = parser.parse_args()
    if options.quick:
        options.installations, options.seconds, options.rounds = 5_000, 1, 1
    return options


def measure(found: Servers, options: argparse.Namespace) -> int:
    """Print everything. The status is 1 where a request failed: figures of failures are worth nothing."""
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud, manifold = MindCloud(found.demo, client), Manifold(found.demo, client)
        for server in (found.few, found.peer):
            check(server, options.few, mindcloud, manifold, client)
        check(found.many, options.installations, mindcloud, manifold, client)
        broker = Broker(found.few, found.demo)
        broker.check(client)
        bench = Bench(found, options.few, options.installations, options.seconds, client, broker)
        bench.warm_up()
        for number in range(options.rounds):
            follow(bench.round, number)
        memory, others = largest_memory(found.few.pid), {"peer_worker_memory": largest_memory(found.peer.pid)}
        for number in range(options.rounds):
            follow(bench.paced_round, number)
        others["worker_memory_after_slow_clients"] = largest_memory(found.few.pid)
    for line in lines(bench, memory, others):
        print(line)
    return 1 if bench.errors() else 0


def follow(measured: Callable[[int], Iterator[str]], number: int) -> None:
    for name in measured(number):
        print(f"# round {number + 1}: {name}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
