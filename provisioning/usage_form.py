"""Usage reports as they come in: by the vendor API, by the command. Checked for form, before anything is looked up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from credservice.exceptions import Invalid, ServiceError, escaped
from credservice.vendor_api.problems import FieldError, InvalidFields, refused
from provisioning.models import KEY_LENGTH, MAX_QUANTITY
from provisioning.rfc3339 import parse_rfc3339

MAX_REPORTS = 1000
# Outside of these a time is a mistake: seconds for milliseconds, another year.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Some stamp a day's or a month's total with its end.
AHEAD = timedelta(days=31)


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
    """One report. Raises Invalid with everything that is wrong, each with its place in the report."""
    if not isinstance(entry, Mapping):
        raise refused("", 'A report is a JSON object, such as {"key": "2026-11-20/7", "feature": "honey", ...}.')
    allowed = {name: read for name, read in _FIELDS.items() if name != "resource" or resource is None}
    # Not ignored: a misspelt "corrects" would count twice.
    unknown = [name for name in entry if name not in allowed]
    if unknown:
        known = f"There is no such field. There are: {', '.join(allowed)}."
        raise InvalidFields([FieldError(f"/{escaped(name)}", known) for name in unknown])
    found, errors = _read(entry, allowed)
    if errors:
        raise InvalidFields(errors)
    report = Report(**({"resource": resource} | found))
    if report.corrects == report.key:
        raise refused("/corrects", "A correction has a key of its own, and names that of the report that it replaces.")
    return report


def _read(
    entry: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]]
) -> tuple[dict[str, Any], list[FieldError]]:
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, read in fields.items():
        if name == "corrects" and name not in entry:
            continue
        try:
            found[name] = read(entry.get(name))
        except ValueError as error:
            missing = "" if name in entry else "This is missing. "
            errors.append(FieldError(f"/{name}", f"{missing}{error}"))
    return found, errors


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= KEY_LENGTH or not value.isprintable():
        raise ValueError(f"Send 1 to {KEY_LENGTH} printable characters.")
    return value


def _quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_QUANTITY:
        raise ValueError(f"Send a whole number from 0 to {MAX_QUANTITY}.")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = parse_rfc3339(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("Send an RFC 3339 date and time with its offset, such as 2026-11-20T10:15:00Z.") from None
    if not EARLIEST <= moment <= timezone.now() + AHEAD:
        raise ValueError(f"The time is before {EARLIEST:%Y} or more than {AHEAD.days} days from now. Is it right?")
    return moment.astimezone(UTC)


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "resource": _text,
    "key": _text,
    "feature": _text,
    "quantity": _quantity,
    "at": _moment,
    "corrects": _text,
}
