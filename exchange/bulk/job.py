"""Holds a row on its way, and what came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from credservice.core.exceptions import ServiceError
from credservice.vendor_api.problems import problem
from exchange.bulk.row_parser import Row
from exchange.models import Platform
from exchange.services.end_users import Outcome

Problem = dict[str, Any]
Results = dict[int, Outcome | Problem]


@dataclass(frozen=True, slots=True)
class Job:
    line: int
    row: Row
    platform: Platform
    is_guess: bool = False  # the default platform, where there are others: nothing new is made at it

    @property
    def key(self) -> tuple[Any, str]:
        """Name the end user of the row."""
        return self.platform.pk, self.row.external_id

    @property
    def names(self) -> set[tuple[Any, ...]]:
        """Name it by both ids, on its platform."""
        return {(self.platform.pk, *name) for name in self.row.names}


class GrantRefused(Exception):
    """One of a row's grants was refused, and with it the row. ``place`` is a JSON pointer into the grant, where the
    error has none itself."""

    def __init__(self, index: int, error: ServiceError, place: str = "") -> None:
        super().__init__(error.message)
        self.index, self.error, self.place = index, error, place


def problem_of(error: ServiceError | GrantRefused) -> Problem:
    """Build the problem document of a row, as the vendor API has them for calls; pointers are into the row."""
    if isinstance(error, ServiceError):
        found = problem(error, "")
    else:
        found, prefix = problem(error.error, ""), f"/grants/{error.index}"
        errors = found.get("errors") or [{"pointer": error.place, "message": error.error.message}]
        found["errors"] = [each | {"pointer": prefix + each["pointer"]} for each in errors]
    del found["request_id"]
    return found


def rounds(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Split the jobs, each end user at most once in a round, in their order: what one row makes, the next one finds.

    An end user is known by your id and by the platform's: of two rows that name the same, the first one has it.
    """
    left = list(jobs)
    while left:
        seen: set[Any] = set()
        now: list[Job] = []
        later: list[Job] = []
        for job in left:
            names = job.names
            (now if seen.isdisjoint(names) else later).append(job)
            seen |= names
        yield now
        left = later
