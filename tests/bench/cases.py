"""Lists what is measured: each case once in every round, so that a busy moment of the machine falls on all of them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.bench import wrk
from tests.bench.broker import Broker
from tests.bench.requests import Puts, exchange_script, paced, put_script
from tests.bench.servers import RESOURCES, Server, Servers
from tests.bench.slow import Health, slow_clients
from tests.bench.wrk import Figures
from tests.e2e.partners import Manifold, MindCloud, new_id

CONNECTIONS = 16
# Enough of them that one slow answer does not hold back the requests that would have come meanwhile.
PACED_CONNECTIONS = 64
PACED_TIMES = 2  # as long as the others, for as many answers
REPEATED = 200
LEAST_PUTS = 2_000  # a second


@dataclass
class Bench:
    """The servers, and what was measured on each. ``few`` and ``many`` count installations; the peer has the few."""

    servers: Servers
    few: int
    many: int
    seconds: int
    client: httpx2.Client
    broker: Broker
    figures: dict[str, list[Figures]] = field(default_factory=lambda: defaultdict(list))
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self._mindcloud = MindCloud(self.servers.demo, self.client)
        self._puts = Puts(Manifold(self.servers.demo, self.client), RESOURCES)
        self._new, self._same = (self.servers.demo.folder / f"{name}.requests" for name in ("new", "same"))
        self._same_ids = [new_id() for _ in range(REPEATED)]
        ours, peer = self.servers.few, self.servers.peer
        self._cases: dict[str, Callable[[], Figures]] = {
            "exchange": lambda: self._exchange(ours),
            "peer_exchange": lambda: self._exchange(peer),
            "exchange_many": lambda: self._exchange(self.servers.many),
            "put": lambda: self._put(ours, self._new),
            "peer_put": lambda: self._put(peer, self._new),
            "put_again": lambda: self._put(ours, self._same),
            "peer_put_again": lambda: self._put(peer, self._same),
            "bind": lambda: self._run(ours, self.broker.bind()),
            "catalogue": lambda: self._run(ours, self.broker.catalogue(), recorded=False),
            "poll": lambda: self._run(ours, self.broker.poll(), recorded=False),
            "empty": lambda: self._run(ours, self.broker.empty(), recorded=False),
        }

    def warm_up(self) -> None:
        """Connections, prepared statements and caches; and the credentials that are asked for again.

        What was prepared while tables were empty reads them from end to end, however many rows come: both ours and the
        peer's are planned anew afterwards.
        """
        self._puts.write(self._same, self._same_ids)
        for name, case in self._cases.items():
            if not name.endswith("put"):
                self.figures[name].append(case())
        self._most = max(self.best(name, "throughput") for name in ("exchange", "peer_exchange"))
        self.figures.clear()
        for server in (self.servers.few, self.servers.many, self.servers.peer):
            server.analyze()

    def round(self, number: int) -> Iterator[str]:
        """Measure each case, every other time the last one first; yields the name of the one to come."""
        # No PUT is quicker than an exchange, so these do not run out, even where the warm-up was disturbed.
        count = math.ceil(max(LEAST_PUTS, 3 * self._most) * self.seconds)
        self._puts.write(self._new, [new_id() for _ in range(count)])
        self._puts.write(self._same, self._same_ids)
        for name in reversed(self._cases) if number % 2 else self._cases:
            yield name
            self.figures[name].append(self._cases[name]())

    def paced_round(self, number: int) -> Iterator[str]:
        """Measure exchanges at the same half load of each; ours also with slow clients connected."""
        cases = {
            "exchange_at_half": lambda: self._paced(self.servers.few),
            "peer_exchange_at_half": lambda: self._paced(self.servers.peer),
            "exchange_many_at_half": lambda: self._paced(self.servers.many),
            "exchange_with_slow_clients": self._with_slow_clients,
        }
        for name in reversed(cases) if number % 2 else cases:
            yield name
            self.figures[name].append(cases[name]())

    def best(self, case: str, figure: str) -> float:
        """Of all rounds the one that the machine's other work disturbed least."""
        return (max if figure == "throughput" else min)(self._all(case, figure))

    def worst(self, case: str, figure: str) -> float:
        return (min if figure == "throughput" else max)(self._all(case, figure))

    def half_load(self) -> float:
        """Return half of the throughput of the slower one, ours or the peer's: neither is near its limit."""
        return min(self.best(name, "throughput") for name in ("exchange", "peer_exchange")) / 2

    def errors(self) -> int:
        """Count wrong and missing answers. With slow clients they are a figure, and make no other one worthless."""
        measured = self.figures.items()
        return sum(found.errors for case, rounds in measured if "slow" not in case for found in rounds)

    def _all(self, case: str, figure: str) -> list[float]:
        return [float(getattr(figures, figure)) for figures in self.figures[case]]

    def _run(
        self, server: Server, script: str, *, times: int = 1, connections: int = CONNECTIONS, recorded: bool = True
    ) -> Figures:
        return wrk.run(
            server,
            script,
            seconds=times * self.seconds,
            connections=connections,
            postgres=self.servers.postgres,
            recorded=recorded,
        )

    def _exchange(self, server: Server) -> Figures:
        return self._run(server, self._exchange_script(server))

    def _exchange_script(self, server: Server) -> str:
        return exchange_script(self._mindcloud, self.many if server is self.servers.many else self.few)

    def _put(self, server: Server, file: Path) -> Figures:
        return self._run(server, put_script(file, repeated=file == self._same))

    def _paced(self, server: Server) -> Figures:
        script = paced(self._exchange_script(server), 1000 * PACED_CONNECTIONS / self.half_load())
        return self._run(server, script, times=PACED_TIMES, connections=PACED_CONNECTIONS)

    def _with_slow_clients(self) -> Figures:
        with slow_clients(self.servers.few, self.servers.large_file, self.health):
            return self._paced(self.servers.few)
