"""Records the vendor's usage reports. All of a call is recorded, or nothing of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, NotFound, ServiceError
from provisioning.models import Feature, Resource, UsageReport
from provisioning.services.usage_targets import Targets
from provisioning.usage_reports import Problem, Refused, Report
from provisioning.wording import quoted

# Rows come sorted: calls that meet wait for each other only one way.
_INSERT = """
INSERT INTO provisioning_usagereport
    (key, resource_id, feature_id, quantity, at, corrects, is_corrected, received_at)
SELECT new.*, false, now()
FROM unnest(%s::text[], %s::uuid[], %s::uuid[], %s::bigint[], %s::timestamptz[], %s::text[]) new
ON CONFLICT (key, resource_id) DO NOTHING
RETURNING key, resource_id
"""
_ADD = """
INSERT INTO provisioning_usagehour AS sum (resource_id, feature_id, hour, quantity)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::numeric[])
ON CONFLICT (resource_id, feature_id, hour) DO UPDATE SET quantity = sum.quantity + excluded.quantity
"""

Identity = tuple[str, UUID]  # a report's key, and its resource


@dataclass(frozen=True)
class Receipt:
    """Counts a call's reports: those that were new, and those that had been recorded before."""

    recorded: int
    repeated: int


@dataclass(frozen=True)
class _Entry:
    """Holds one report of the call, with the resource that it is about."""

    index: int
    report: Report
    resource: Resource

    @property
    def identity(self) -> Identity:
        return self.report.key, self.resource.pk

    @property
    def corrected(self) -> Identity:
        return self.report.corrects, self.resource.pk


def report_usage(*, reports: Sequence[Report], actor: str) -> Receipt:
    """Record each report whose key the resource has not seen. The same report again is the same success.

    Raises Refused with every problem found: NotFound for an unknown or deprovisioned resource or a report to correct,
    Invalid for a feature that the resource's plan does not meter, Conflict for a key that another report has and for
    a second correction of one report.
    """
    call = _Call(reports)
    with transaction.atomic():
        receipt = call.run()
        call.refuse()
        record(_line(receipt, call.entries, actor))
    return receipt


class _Call:
    """Takes the reports of one call into the tables."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self._problems: list[Problem] = []
        self._targets = Targets(report.resource for report in reports)
        self.entries: list[_Entry] = []
        for index, report in enumerate(reports):
            try:
                self.entries.append(_Entry(index, report, self._targets.resource(report.resource)))
            except ServiceError as error:
                self._problems.append(Problem(index, error))

    def refuse(self) -> None:
        """Raise Refused where there was a problem."""
        if self._problems:
            raise Refused(sorted(self._problems, key=lambda problem: problem.index))

    def run(self) -> Receipt:
        entries = self._unrepeated(self._once())
        # After repetitions: those stay the same success when the plan has changed since, or the resource has gone.
        features = self._features(entries)
        self.refuse()
        new = _insert(entries, features)
        # What another call has recorded under the same key in this moment.
        self._unrepeated([entry for entry in entries if entry.identity not in new])
        recorded = [entry for entry in entries if entry.identity in new]
        _add_up(recorded, features, self._correct(recorded))
        return Receipt(len(recorded), len(self.entries) - len(recorded))

    def _once(self) -> list[_Entry]:
        """Leave out what the call itself repeats; a problem for each that has the key of another of its reports."""
        first: dict[Identity, _Entry] = {}
        for entry in self.entries:
            earlier = first.setdefault(entry.identity, entry)
            self._check_same(entry, _content(earlier.report))
        return list(first.values())

    def _unrepeated(self, entries: list[_Entry]) -> list[_Entry]:
        """Leave out what is recorded already; a problem for each whose key is another report's."""
        known = {(row.key, row.resource_id): row for row in _rows(entry.identity for entry in entries)}
        for entry in entries:
            row = known.get(entry.identity)
            if row is not None:
                self._check_same(entry, (row.feature.label, row.quantity, row.at, row.corrects))
        return [entry for entry in entries if entry.identity not in known]

    def _check_same(self, entry: _Entry, content: tuple[object, ...]) -> None:
        if _content(entry.report) != content:
            sentence = (
                f"key: {quoted(entry.report.key)} is another report of this resource. "
                'To correct that, send a new key, and this one as "corrects".'
            )
            self._problems.append(Problem(entry.index, Conflict(sentence, code="key_used")))

    def _features(self, entries: list[_Entry]) -> dict[Identity, Feature]:
        features = {}
        for entry in entries:
            try:
                features[entry.identity] = self._targets.feature(entry.resource, entry.report.feature)
            except ServiceError as error:
                self._problems.append(Problem(entry.index, error))
        return features

    def _correct(self, recorded: list[_Entry]) -> list[UsageReport]:
        """Take the reports that these replace out of the count. Returns those."""
        corrections = [entry for entry in recorded if entry.report.corrects]
        if not corrections:
            return []
        position = {entry.identity: entry.index for entry in recorded}
        targets = {(row.key, row.resource_id): row for row in _rows((e.corrected for e in corrections), lock=True)}
        replaced = []
        for entry in corrections:
            target = targets.get(entry.corrected)
            if target is None or position.get(entry.corrected, -1) > entry.index:
                sentence = f"corrects: there is no report {quoted(entry.report.corrects)} of this resource yet."
                self._problems.append(Problem(entry.index, NotFound(sentence, code="unknown_report")))
            elif target.is_corrected:
                sentence = f"corrects: {quoted(target.key)} was corrected already. Correct its correction."
                self._problems.append(Problem(entry.index, Conflict(sentence, code="corrected_already")))
            else:
                target.is_corrected = True
                replaced.append(target)
        UsageReport.objects.filter(pk__in=[row.pk for row in replaced]).update(is_corrected=True)
        return replaced


def _content(report: Report) -> tuple[object, ...]:
    """Tell two reports of one key apart."""
    return report.feature, report.quantity, report.at, report.corrects


def _rows(identities: Iterable[Identity], *, lock: bool = False) -> list[UsageReport]:
    wanted = set(identities)
    rows = UsageReport.objects.select_related("feature").order_by("pk")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    found = rows.filter(key__in={key for key, _ in wanted}, resource_id__in={resource for _, resource in wanted})
    return [row for row in found if (row.key, row.resource_id) in wanted] if wanted else []


def _insert(entries: list[_Entry], features: dict[Identity, Feature]) -> set[Identity]:
    """Write the entries, and return those that are new."""
    rows = [
        (*entry.identity, features[entry.identity].pk, entry.report.quantity, entry.report.at, entry.report.corrects)
        for entry in sorted(entries, key=lambda entry: entry.identity)
    ]
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
        return set(cursor.fetchall())


def _add_up(recorded: list[_Entry], features: dict[Identity, Feature], replaced: list[UsageReport]) -> None:
    """Bring the sums of the hours up to date."""
    change: Counter[tuple[UUID, UUID, datetime]] = Counter()
    for entry in recorded:
        change[entry.resource.pk, features[entry.identity].pk, _hour(entry.report.at)] += entry.report.quantity
    for row in replaced:
        change[row.resource_id, row.feature_id, _hour(row.at)] -= row.quantity
    rows = [(*place, Decimal(quantity)) for place, quantity in sorted(change.items()) if quantity]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [list(column) for column in zip(*rows, strict=True)])


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _line(receipt: Receipt, entries: list[_Entry], actor: str) -> Line:
    """Make one line for the call; the reports themselves are in their table, received at the line's time."""
    resources = {entry.resource.pk: entry.resource for entry in entries}
    detail = {
        "recorded": receipt.recorded,
        "repeated": receipt.repeated,
        "corrections": sum(bool(entry.report.corrects) for entry in entries),
        "resources": len(resources),
    }
    if len(resources) != 1:
        return Line("usage.reported", actor, detail=detail)
    return Line.about(entries[0].resource, "usage.reported", actor, detail)
