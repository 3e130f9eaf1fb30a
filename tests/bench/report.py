"""The figures as ``name value unit`` lines, and which of the budgets (design, section 8) they meet."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.cases import Bench

# The marketplace's own sample provider in Go, measured on such a machine.
SAMPLE_PUTS, SAMPLE_P99 = 820.0, 1000.0


@dataclass(frozen=True)
class Budget:
    name: str
    value: float
    unit: str
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def line(self) -> str:
        word = "at most" if self.at_most else "at least"
        return (
            f"# {'met    ' if self.met else 'NOT MET'} {self.name}: {self.value:.3g}, {word} {self.bound:g} {self.unit}"
        )


def figures(bench: Bench, memory: float, round_trips: int) -> Iterator[str]:
    """One line for each figure; of several rounds the best."""
    for case in bench.figures:
        yield f"{case}_throughput {bench.best(case, 'throughput'):.0f} requests/s"
        yield f"{case}_p50 {bench.best(case, 'p50'):.2f} ms"
        yield f"{case}_p99 {bench.best(case, 'p99'):.2f} ms"
        yield f"{case}_worker_cpu {bench.best(case, 'cpu'):.2f} ms"
    yield f"worker_memory {memory:.0f} MiB"
    yield f"exchange_round_trips {round_trips} statements"
    yield f"errors {bench.errors()} requests"
    for budget in budgets(bench, memory, round_trips):
        yield f"{budget.name} {budget.value:.3g} {budget.unit}"


def budgets(bench: Bench, memory: float, round_trips: int) -> list[Budget]:
    exchange, empty = (bench.best(case, "throughput") for case in ("exchange_many", "empty"))
    few, many = (bench.best(f"exchange_{name}_at_half", "p99") for name in ("few", "many"))
    return [
        Budget("exchange_to_empty", exchange / empty, "ratio", 0.25),
        Budget("exchange_to_empty_aim", exchange / empty, "ratio", 0.5),
        Budget("exchange_p99_at_half", many, "ms", 20, at_most=True),
        Budget("exchange_statements", round_trips, "statements", 3, at_most=True),
        Budget("put_to_sample", bench.best("put", "throughput") / SAMPLE_PUTS, "ratio", 1.0),
        Budget("put_p99_to_sample", bench.best("put", "p99") / SAMPLE_P99, "ratio", 0.1, at_most=True),
        Budget("exchange_p99_growth", many / few, "ratio", 1.2, at_most=True),
        Budget("memory", memory, "MiB", 150, at_most=True),
    ]
