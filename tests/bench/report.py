"""The figures as ``name value unit`` lines, ratios first, and which of the budgets they meet."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.cases import Bench


@dataclass(frozen=True)
class Budget:
    """A figure with its bounds: what it must reach, and what is aimed at. ``at_most``: it is better the less."""

    name: str
    value: float
    must: float
    aim: float
    unit: str = "ratio"
    at_most: bool = False

    def meets(self, bound: float) -> str:
        return "met" if (self.value <= bound if self.at_most else self.value >= bound) else "MISSED"

    def line(self) -> str:
        sign = "<=" if self.at_most else ">="
        bounds = "  ".join(f"{sign} {bound:<5g} {self.meets(bound):6}" for bound in (self.must, self.aim))
        return f"# {self.name:34} {self.value:8.3g} {self.unit:6} {bounds}"


def lines(bench: Bench, memory: float, others: dict[str, float]) -> Iterator[str]:
    """Write everything. ``memory`` is that of one of our web processes, ``others`` that of others, in MiB."""
    budgets = _budgets(bench, memory)
    for budget in budgets:
        yield f"{budget.name} {budget.value:.3g} {budget.unit}"
    yield from _ratios(bench)
    yield from _figures(bench)
    for name, value in others.items():
        yield f"{name} {value:.0f} MiB"
    yield f"half_load {bench.half_load():.0f} requests/s"
    yield f"errors {bench.errors()} requests"
    yield f"# {'budget':34} {'measured':15} {'must':15} aim"
    for budget in budgets:
        yield budget.line()


def _budgets(bench: Bench, memory: float) -> list[Budget]:
    def ratio(case: str, other: str, figure: str = "throughput") -> float:
        return bench.best(case, figure) / bench.best(other, figure)

    half, slow, health = "exchange_at_half", "exchange_with_slow_clients", bench.health
    return [
        Budget("exchange_to_peer", ratio("exchange", "peer_exchange"), 0.7, 1.0),
        Budget("exchange_p99_at_half_to_peer", ratio(half, f"peer_{half}", "p99"), 1.5, 1.0, at_most=True),
        Budget("put_to_peer", ratio("put", "peer_put"), 0.7, 1.0),
        Budget("put_again_to_exchange", ratio("put_again", "exchange"), 0.8, 1.0),
        Budget("bind_to_put", ratio("bind", "put"), 0.8, 1.0),
        Budget("catalogue_to_empty", ratio("catalogue", "empty"), 0.8, 1.0),
        Budget("poll_to_empty", ratio("poll", "empty"), 0.8, 1.0),
        Budget("exchange_many_to_few", ratio("exchange_many", "exchange"), 0.9, 1.0),
        Budget("exchange_p99_growth_many_to_few", ratio("exchange_many_at_half", half, "p99"), 1.2, 1.0, at_most=True),
        # The same pace: where some are not answered, fewer come.
        Budget("slow_clients_exchange_answered", ratio(slow, half), 0.9, 0.95),
        Budget("slow_clients_healthz_answered", health.answered / max(1, health.asked), 1.0, 1.0),
        Budget("slow_clients_exchange_p99_growth", ratio(slow, half, "p99"), 2.0, 2.0, at_most=True),
        Budget("worker_memory", memory, 110, 90, "MiB", at_most=True),
    ]


def _ratios(bench: Bench) -> Iterator[str]:
    """Compare processor time, which other programs do not lengthen; and tell how far single rounds were apart."""
    for case in ("exchange", "put", "put_again"):
        ours, theirs = bench.figures[case], bench.figures[f"peer_{case}"]
        yield f"{case}_cpu_to_peer {bench.best(case, 'cpu') / bench.best(f'peer_{case}', 'cpu'):.3g} ratio"
        rounds = [our.throughput / their.throughput for our, their in zip(ours, theirs, strict=True)]
        yield f"{case}_to_peer_worst_round {min(rounds):.3g} ratio"
        yield f"{case}_to_peer_best_round {max(rounds):.3g} ratio"


def _figures(bench: Bench) -> Iterator[str]:
    for case in bench.figures:
        for figure, unit in (("throughput", "requests/s"), ("p50", "ms"), ("p99", "ms")):
            yield f"{case}_{figure} {bench.best(case, figure):.4g} {unit}"
        yield f"{case}_throughput_worst {bench.worst(case, 'throughput'):.4g} requests/s"
        yield f"{case}_p99_worst {bench.worst(case, 'p99'):.4g} ms"
        yield f"{case}_cpu {bench.best(case, 'cpu'):.3g} ms"
        if bench.servers.postgres is not None:
            yield f"{case}_postgres_cpu {bench.best(case, 'postgres_cpu'):.3g} ms"
