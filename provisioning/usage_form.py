"""Usage reports as they come in: by the vendor API, by the command. Checked for form, before anything is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from credservice.exceptions import Invalid, ServiceError
from provisioning.models import KEY_LENGTH, MAX_QUANTITY
from provisioning.rfc3339 import parse_rfc3339
from provisioning.sentences import quoted

MAX_REPORTS = 1000
# Outside of these a time is a mistake: seconds for milliseconds, another year.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Some stamp a day's or a month's total with its end.
AHEAD = timedelta(days=31)

_FIELDS = ("resource", "key", "feature", "quantity", "at", "corrects")


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
    """Why one report of a call was refused: its place in the call, from 0, and the refusal."""

    index: int
    error: ServiceError


class Refused(ServiceError):
    """A call of which nothing was recorded. It looks like the first of its problems."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0].error
        super().__init__(first.message, code=first.code)
        self.status, self.problems = first.status, problems


def parse_reports(entries: list[Any], resource: str | None = None) -> list[Report]:
    """The reports in ``entries``; those that name no resource are about ``resource``. Raises Refused."""
    reports, problems = [], []
    for index, entry in enumerate(entries):
        try:
            reports.append(parse_report(entry, resource))
        except Invalid as error:
            problems.append(Problem(index, error))
    if problems:
        raise Refused(problems)
    return reports


def parse_report(entry: Any, resource: str | None = None) -> Report:
    """One report. Raises Invalid with what is wrong."""
    if not isinstance(entry, Mapping):
        raise Invalid('A report is a JSON object, such as {"key": "2026-11-20/7", "feature": "honey", ...}.')
    allowed = _FIELDS if resource is None else _FIELDS[1:]
    for name in entry:
        if name not in allowed:
            # Not ignored: a misspelt "corrects" would count twice.
            raise Invalid(f"A report has no {quoted(str(name))}. It has: {', '.join(allowed)}.")
    report = Report(
        resource=_text(entry, "resource") if resource is None else resource,
        key=_text(entry, "key"),
        feature=_text(entry, "feature"),
        quantity=_quantity(entry.get("quantity")),
        at=_moment(entry.get("at")),
        corrects=_text(entry, "corrects") if "corrects" in entry else "",
    )
    if report.corrects == report.key:
        raise Invalid("corrects: a correction has a key of its own, and names the key of the report that it replaces.")
    return report


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= KEY_LENGTH or not value.isprintable():
        raise Invalid(f"{name}: send 1 to {KEY_LENGTH} printable characters.")
    return value


def _quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_QUANTITY:
        raise Invalid(f"quantity: send a whole number from 0 to {MAX_QUANTITY}.")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = parse_rfc3339(value if isinstance(value, str) else "")
    except ValueError:
        raise Invalid("at: send an RFC 3339 date and time with its offset, such as 2026-11-20T10:15:00Z.") from None
    if not EARLIEST <= moment <= timezone.now() + AHEAD:
        raise Invalid(f"at: the time is before {EARLIEST:%Y} or more than {AHEAD.days} days from now. Is it right?")
    return moment.astimezone(UTC)
