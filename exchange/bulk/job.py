"""A row on its way, and what came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from credservice.exceptions import ServiceError
from credservice.vendor_api.problems import problem
from exchange.bulk.rows import Row
from exchange.models import Platform
from exchange.registration import Outcome

Problem = dict[str, Any]
Results = dict[int, Outcome | Problem]


@dataclass(frozen=True, slots=True)
class Job:
    line: int
    row: Row
    platform: Platform

    @property
    def key(self) -> tuple[Any, str]:
        """Whose row it is."""
        return self.platform.pk, self.row.external_id


class GrantRefused(Exception):
    """One of a row's grants was refused, and with it the row."""

    def __init__(self, index: int, error: ServiceError) -> None:
        super().__init__(error.message)
        self.index, self.error = index, error


def problem_of(error: ServiceError | GrantRefused) -> Problem:
    """The problem document of a row, as the vendor API has them for calls; pointers are into the row."""
    if isinstance(error, ServiceError):
        found = problem(error, "")
    else:
        found, prefix = problem(error.error, ""), f"/grants/{error.index}"
        errors = found.get("errors") or [{"pointer": "", "message": error.error.message}]
        found["errors"] = [each | {"pointer": prefix + each["pointer"]} for each in errors]
    del found["request_id"]
    return found


def rounds(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """The jobs, each end user at most once in a round, in their order: what one row makes, the next one finds."""
    left = list(jobs)
    while left:
        seen: set[Any] = set()
        now: list[Job] = []
        later: list[Job] = []
        for job in left:
            (later if job.key in seen else now).append(job)
            seen.add(job.key)
        yield now
        left = later
