"""Runs a drill: ``python -m tests.drill kill --rounds 100``. The status is 1 where something was found."""

import argparse
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from random import Random

from tests.drill import failover, kill
from tests.drill.cluster import what_is_missing
from tests.drill.figures import SLOWER, Figures


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell's background job ignores it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(options.drill(options))
    except KeyboardInterrupt:
        print("Interrupted: not everything was looked at. Nothing of it is left.", file=sys.stderr)
        return 130


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    drills = parser.add_subparsers(required=True, metavar="DRILL", dest="name")
    killing = drills.add_parser("kill", help="kill processes of one machine at random moments of a mixed load")
    killing.add_argument("--rounds", type=int, default=100, help="one kill each (%(default)s)")
    killing.add_argument("--patient", action="store_true", help="wait for pauses, up to two minutes a round")
    killing.set_defaults(drill=run_kill)
    failing = drills.add_parser("failover", help="take a PostgreSQL cluster's primary away, and nodes of the service")
    failing.add_argument("--events", nargs="+", default=list(failover.EVENTS), choices=list(failover.EVENTS))
    failing.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    failing.set_defaults(drill=run_failover)
    for drill in (killing, failing):
        drill.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="draws victims and the load")
    return parser.parse_args()


def run_kill(options: argparse.Namespace) -> int:
    figures = Figures()

    def play(rng: Random) -> None:
        with kill.stage(figures, rng) as played_on:
            kill.KillDrill(played_on, rng, patient=options.patient).play(options.rounds, tell)

    return run(options, figures, play)


def run_failover(options: argparse.Namespace) -> int:
    """Run it in namespaces of its own, of which nothing outlives it. The first process there is a shell, which waits
    for whoever is left behind by another one."""
    missing = what_is_missing()
    if missing:
        print(f"The failover drill does not run here: {missing}.", file=sys.stderr)
        return 2
    if not options.inside:
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        again = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", "tests.drill", *sys.argv[1:], "--inside"]
        return subprocess.run([*unshare, *again]).returncode
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)

    figures = Figures(SLOWER)

    def play(rng: Random) -> None:
        with failover.stage(figures, rng) as (played_on, cluster):
            failover.FailoverDrill(played_on, cluster, rng).play(options.events, tell)

    return run(options, figures, play)


def run(options: argparse.Namespace, figures: Figures, play: Callable[[Random], None]) -> int:
    """Play a drill and print its table, also where it is interrupted."""
    began = time.monotonic()
    try:
        play(Random(options.seed))
    finally:
        status = report(figures, f"python -m tests.drill {options.name} --seed {options.seed}", began)
    return status


def tell(sentence: str) -> None:
    print(f"# {sentence}", file=sys.stderr, flush=True)


def report(figures: Figures, command: str, began: float) -> int:
    """Print the table; returns the exit status."""
    print(f"{command}: {time.monotonic() - began:.0f} s")
    for line in figures.lines():
        print(line)
    if figures.faults:
        print(f"To repeat it: {command}")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())
