"""Reports usage from a file or by options, in the form that the vendor API takes. See docs/usage.md."""

import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain, islice
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from credservice.audit.names import command_actor
from credservice.core.exceptions import Invalid, ServiceError
from credservice.http.strict_json import parse_object
from credservice.vendor_api.problems import InvalidFields
from provisioning.services.usage import Receipt, report_usage
from provisioning.usage_reports import Problem, Refused, Report
from provisioning.vendor_api.serializers import MAX_REPORTS, parse_report

_OPTIONS = ("resource", "key", "feature", "quantity", "at", "corrects")


class Command(BaseCommand):
    help = (
        "Report what resources have used. One report by options; or a file of them, one JSON object a line. The same "
        "reports again count once, so that a file that was refused half-way can be sent again from its beginning."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="reports as NDJSON; - reads standard input")
        parser.add_argument("--resource", help="the marketplace's resource id, or ours")
        parser.add_argument("--key", help="your own key of this report, never used again for another")
        parser.add_argument("--feature", help="a metered feature's label")
        parser.add_argument("--quantity", type=int, help="a whole number")
        parser.add_argument("--at", help="when it was used, such as 2026-11-20T10:15:00Z")
        parser.add_argument("--corrects", metavar="KEY", help="the key of a report that this one replaces")

    def handle(self, *, file: str | None, **options: Any) -> None:
        one = {name: options[name] for name in _OPTIONS if options[name] is not None}
        if bool(file) == bool(one):
            raise CommandError("Name a file, or give one report by --resource, --key, --feature, --quantity and --at.")
        missing = [f"--{name}" for name in _OPTIONS if name not in one and name != "corrects"]
        if one and missing:
            raise CommandError(f"Give {', '.join(missing)} as well.")
        receipt = _report_file(file) if file else _report_one(one)
        self.stdout.write(f"Recorded: {receipt.recorded:,}. Recorded before: {receipt.repeated:,}.")


def _report_one(entry: dict[str, Any]) -> Receipt:
    try:
        return report_usage(reports=[parse_report(entry)], actor=command_actor("report_usage"))
    except ServiceError as error:
        raise CommandError(_said(error)) from None


def _said(error: ServiceError) -> str:
    """Name all of its mistakes."""
    if isinstance(error, InvalidFields):
        return " ".join(f"{each.pointer[1:]}: {each.message}" for each in error.errors)
    return error.message


def _report_file(file: str) -> Receipt:
    """Report a file by calls of ``MAX_REPORTS``. Those before a refused one stand."""
    done = Receipt(0, 0)
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else open(file, "rb") as lines:
            entries = _entries(lines)
            while call := list(islice(entries, MAX_REPORTS)):
                receipt = _report_lines(call)
                done = Receipt(done.recorded + receipt.recorded, done.repeated + receipt.repeated)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except Refused as refused:
        problems = [f"line {problem.index}: {_said(problem.error)}" for problem in refused.problems]
        raise CommandError("\n".join([*problems, _stopped(done)])) from None
    except OperationalError:
        raise CommandError(f"The database cannot be reached.\n{_stopped(done)}") from None
    return done


def _entries(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Number the lines that are not blank. A byte order mark before the first one is none of it."""
    numbered = enumerate(chain([next(iter(lines), b"").removeprefix(BOM_UTF8)], lines), 1)
    return ((number, text) for number, text in numbered if text.strip())


def _report_lines(call: list[tuple[int, bytes]]) -> Receipt:
    """Report these lines, or none of them. Raises Refused, its problems with the numbers of their lines."""
    reports = _parse(call)
    try:
        return report_usage(reports=reports, actor=command_actor("report_usage"))
    except Refused as refused:
        raise Refused([Problem(call[problem.index][0], problem.error) for problem in refused.problems]) from None


def _parse(call: list[tuple[int, bytes]]) -> list[Report]:
    reports, problems = [], []
    for number, text in call:
        try:
            reports.append(parse_report(parse_object(text.rstrip(b"\r\n"))))
        except Invalid as error:
            problems.append(Problem(number, error))
        except ValueError as error:
            sentence = str(error).replace("The body", "The line").replace("at line 1, ", "at ")
            problems.append(Problem(number, Invalid(sentence)))
    if problems:
        raise Refused(problems)
    return reports


def _stopped(done: Receipt) -> str:
    return (
        f"Stopped. Of these and the reports around them, up to {MAX_REPORTS:,}, none was recorded; before them "
        f"{done.recorded:,} were. Correct the lines, and send the whole file again: nothing counts twice."
    )
