"""The kill drill: at random moments of a mixed load one process is killed, and nothing that was acknowledged may go.

Each round: the load begins, one of the processes is killed by SIGKILL, a supervisor starts it again, everybody repeats
what was not answered, the work that is left is done, and then it is looked at from outside. Pauses that only time ends,
such as the half minute after which a dead worker's jobs are taken up, are ended by setting times in the database back.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from random import Random

from tests.drill import invariants
from tests.drill.drill import EPOCH, Drill, Stage, set_up
from tests.drill.figures import PERSON, Figures
from tests.drill.ledger import EndUser, Order
from tests.drill.load import THREADS, Planned
from tests.drill.processes import VICTIMS, NotBack, Processes, database
from tests.drill.vendor import Vendor
from tests.support.live import LiveService

SAMPLE = 15  # of the objects of earlier rounds, looked at again in each round
Tamper = Callable[[Stage[Processes]], None]


@contextmanager
def stage(figures: Figures, rng: Random) -> Iterator[Stage[Processes]]:
    """Set it up and start it; nothing is left of it afterwards, however it ends."""
    with ExitStack() as stack:
        folder, postgres = stack.enter_context(database())
        vendor = stack.enter_context(Vendor(Random(rng.random())).serving())
        anchors = str(folder / "anchors")
        service = LiveService(folder, postgres.url, AUDIT_ANCHOR_FILE=anchors, **vendor.environment())
        partners = set_up(stack, service, figures)
        processes = Processes(postgres, service, figures)
        stack.callback(processes.stop)
        processes.start()
        yield Stage(service, vendor, partners, processes, figures)


class KillDrill(Drill[Processes]):
    """Plays rounds on a stage.

    ``tamper`` is called before each look, for tests of the drill itself.
    """

    def __init__(
        self, played_on: Stage[Processes], rng: Random, *, patient: bool = False, tamper: Tamper = lambda _: None
    ) -> None:
        super().__init__(played_on, rng, patient=patient)
        self._tamper = tamper
        self._victims: list[str] = []
        self._begun = 0
        self._one_more = threading.Condition()

    def play(self, rounds: int, tell: Callable[[str], None] = lambda _: None) -> None:
        """Play so many rounds, fewer where something does not come back, and look at everything in the end."""
        with _pool() as pool:
            try:
                self._order_resources(pool)
                for number in range(rounds):
                    began = time.monotonic()
                    victim = self._round(pool)
                    tell(f"round {number + 1} of {rounds}: {victim} killed, {time.monotonic() - began:.1f} s")
                tell("looking at everything again")
                self._look(pool, list(invariants.all_of(self._ledger)), EPOCH)
                self._processes.until_no_orphans()
                self._seal()
            except NotBack as error:
                self._figures.found(PERSON, str(error))
        invariants.check_seals(self._stage.service, self._figures)

    def _round(self, pool: ThreadPoolExecutor) -> str:
        began, plan = datetime.now(UTC), self._plan.draw()
        self._figures.count("rounds")
        victim = self._draw()
        moment, pause = self._rng.randrange(len(plan)), self._rng.uniform(0, 0.03)
        self._begun = 0
        answers = [pool.submit(self._begin, planned) for planned in plan]
        with self._one_more:
            self._one_more.wait_for(lambda: self._begun > moment)
        time.sleep(pause)
        killed_at = time.monotonic()
        self._processes.kill(victim, self._rng)
        unsettled = [planned for planned, answer in zip(plan, answers, strict=True) if not answer.result()]
        self._processes.until_ready()
        self._settle(pool, unsettled)
        self._figures.took("all was answered", time.monotonic() - killed_at)
        self._finish_work()
        self._figures.took("all work was done", time.monotonic() - killed_at)
        self._tamper(self._stage)
        self._look(pool, self._touched(plan), began)
        return victim

    def _draw(self) -> str:
        """Draw a victim as a card from a pack, so that a short drill has all of them as well."""
        if not self._victims:
            self._victims = [name for name, number in VICTIMS.items() for _ in range(number)]
            self._rng.shuffle(self._victims)
        return self._victims.pop()

    def _begin(self, planned: Planned) -> bool:
        with self._one_more:
            self._begun += 1
            self._one_more.notify()
        return planned.act()

    def _touched(self, plan: list[Planned]) -> list[EndUser | Order]:
        touched = {id(planned.about): planned.about for planned in plan if planned.about is not None}
        everything = list(invariants.all_of(self._ledger))
        sample = self._rng.sample(everything, min(SAMPLE, len(everything)))
        return list((touched | {id(found): found for found in sample}).values())


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(THREADS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
