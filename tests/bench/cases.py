"""What is measured: each case once in every round, so that a busy moment of the machine falls on all of them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx2

from tests.bench import wrk
from tests.bench.requests import Puts, empty_script, exchange_script, paced, put_script
from tests.bench.wrk import Figures
from tests.e2e.partners import Manifold, MindCloud
from tests.live import LiveService

CONNECTIONS = 16
# Enough of them that one slow answer does not hold back the requests that would have come meanwhile.
PACED_CONNECTIONS = 64
MOST_PUTS_A_SECOND = 4000


@dataclass
class Bench:
    """The same service twice, with few and with many installations, and what was measured on each."""

    few: LiveService
    many: LiveService
    counts: dict[str, int]  # installations of "few" and "many", resources of each
    seconds: float
    client: httpx2.Client
    figures: dict[str, list[Figures]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._puts = Puts(Manifold(self.many, self.client), self.counts["resources"])
        self._new, self._same = self.many.folder / "new.requests", self.many.folder / "same.requests"
        self._cases: dict[str, Callable[[float], Figures]] = {
            "empty": lambda seconds: self._run(self.many, empty_script(), seconds),
            "exchange_few": lambda seconds: self._run(self.few, self._exchange("few"), seconds),
            "exchange_many": lambda seconds: self._run(self.many, self._exchange("many"), seconds),
            "put": self._put,
            "put_again": lambda seconds: self._run(self.many, put_script(self._same), seconds),
        }

    def warm_up(self) -> None:
        """Connections, prepared statements and caches; and the credentials that are asked for again."""
        self._puts.write(self._same, 200)
        for case in ("exchange_few", "exchange_many", "put_again"):
            self._cases[case](2)

    def round(self) -> Iterator[str]:
        """Measure each case; yields the name of the one to come."""
        for name, case in self._cases.items():
            yield name
            self.figures[name].append(case(self.seconds))

    def paced_round(self) -> Iterator[str]:
        """Exchanges at half of the throughput that the many installations had."""
        rate = self.best("exchange_many", "throughput") / 2
        for name, service in (("few", self.few), ("many", self.many)):
            yield f"exchange_{name}_at_half"
            script = self._paced(self._exchange(name), name, rate)
            found = wrk.run(service, script, seconds=self.seconds, connections=PACED_CONNECTIONS)
            self.figures[f"exchange_{name}_at_half"].append(found)

    def best(self, case: str, figure: str) -> float:
        """Of all rounds the one that the machine's other work disturbed least."""
        found = [float(getattr(figures, figure)) for figures in self.figures[case]]
        return max(found) if figure == "throughput" else min(found)

    def errors(self) -> int:
        return sum(found.errors for rounds in self.figures.values() for found in rounds)

    def _run(self, service: LiveService, script: str, seconds: float) -> Figures:
        return wrk.run(service, script, seconds=seconds, connections=CONNECTIONS)

    def _put(self, seconds: float) -> Figures:
        last = self.figures["put"][-1].throughput if self.figures["put"] else MOST_PUTS_A_SECOND / 2
        self._puts.write(self._new, math.ceil(2 * last * seconds))
        return self._run(self.many, put_script(self._new), seconds)

    def _exchange(self, name: str) -> str:
        return exchange_script(MindCloud(getattr(self, name), self.client), self.counts[name])

    def _paced(self, script: str, name: str, rate: float) -> str:
        """A connection's turn is its time to think and the answer's."""
        answer = self.figures[f"exchange_{name}_at_half"][-1].p50 if self.figures[f"exchange_{name}_at_half"] else 5.0
        return paced(script, max(1.0, 1000 * PACED_CONNECTIONS / rate - answer))
