"""Describes a usage report and its refusal, whatever door it came by."""

from dataclasses import dataclass
from datetime import datetime

from credservice.core.exceptions import ServiceError


@dataclass(frozen=True)
class Report:
    """``resource`` is the marketplace's id or ours; ``corrects`` the key of the report that this one replaces."""

    resource: str
    key: str
    feature: str
    quantity: int
    at: datetime
    corrects: str = ""


@dataclass(frozen=True)
class Problem:
    """Says why one report of a call was refused: its place in the call, from 0, and the refusal."""

    index: int
    error: ServiceError


class Refused(ServiceError):
    """Refuses a call of which nothing was recorded. It looks like the first of its problems."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0].error
        super().__init__(first.message, code=first.code)
        self.status, self.problems = first.status, problems
