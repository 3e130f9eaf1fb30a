"""Applies a set-up file: writes all of it in one transaction, or lists all that is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from credservice.audit.names import command_actor
from credservice.core.exceptions import ServiceError, Unavailable
from credservice.manifest.audit import record_row, record_run
from credservice.manifest.document import Item, Problems, read
from credservice.manifest.planner import make_plan
from credservice.manifest.registry import all_sections, plan_watches
from credservice.manifest.schema import SIZE, Change, ChangedAnswers, Extra, Plan, Progress, Row, Section


class Refused(Exception):
    """The file was not applied. ``problems`` says why, line by line."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class AnswersWouldChange(Exception):
    """Nothing was written: customers would get another answer, or none, and the caller has not accepted that."""

    def __init__(self, changed: Sequence[ChangedAnswers]) -> None:
        super().__init__(f"answers of {len(changed)} entries would change")
        self.changed = changed


@dataclass(frozen=True)
class Outcome:
    """Changes that were (or, after a dry run, would be) made, and what was left as it is."""

    changes: list[Change]  # in the file's order
    notes: list[str]
    left_alone: dict[str, int]  # rows of the database that the file does not name, by what they are called
    changed_answers: list[ChangedAnswers]


def apply(
    text: str,
    name: str,
    *,
    dry_run: bool = False,
    accept_changed_answers: bool = False,
    only_missing: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Make the database match what the file names. ``name`` is the file's, for the trail. Two at once wait for each
    other. ``only_missing``: what is there stays as it is.

    Raises :class:`Refused`, :class:`BadFile` and, but for a dry run, :class:`AnswersWouldChange`; then nothing changed.
    """
    problems = Problems()
    root = read(text, problems)
    with transaction.atomic():
        wait_for_others()
        actor, progress = command_actor("apply"), progress or _quietly
        plan = make_plan(root, problems, actor=actor, progress=progress, only_missing=only_missing)
        _stop_at(problems)
        changed_answers = _write(plan)
        if changed_answers and not (accept_changed_answers or dry_run):
            raise AnswersWouldChange(changed_answers)
        changes = sorted(plan.changes, key=lambda change: change.item.line)
        outcome = Outcome(changes, plan.notes, _left_alone(plan), changed_answers)
        if plan.changes:
            record_run(plan, text, name)
        transaction.set_rollback(dry_run)
    return outcome


def apply_entry(root: Item, *, actor: str, accept_changed_answers: bool = False) -> Row:
    """Write the one entry that ``root`` leads to, as a file that names nothing else would.

    What is around it must be there. Not in a transaction of its own: the caller's call :func:`wait_for_others` first.
    Raises :class:`Refused` and :class:`AnswersWouldChange`: then the caller undoes it.
    """
    problems = Problems()
    plan = make_plan(root, problems, actor=actor, progress=_quietly)
    _stop_at(problems)
    changed_answers = _write(plan)
    if changed_answers and not accept_changed_answers:
        raise AnswersWouldChange(changed_answers)
    return plan.steps[-1].rows[-1]


def _quietly(what: str, done: int, total: int) -> None:
    pass


def _stop_at(problems: Problems) -> None:
    if problems:
        raise Refused(problems)


def wait_for_others(*, seconds: int = 0) -> None:
    """Let one at a time write the set-up, until the caller's transaction ends.

    Raises :class:`Unavailable` where it took longer; 0 waits for however long.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout TO '{seconds}s'")
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('credservice.setup.apply'))")
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Unavailable("Somebody else is writing the set-up.") from None
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _write(plan: Plan) -> list[ChangedAnswers]:
    """Write all of it, and find whose answers that changes: by what is there afterwards, since one file may change a
    shape and what fills it. The lines of what is changed come last, as they tell that."""
    comparisons = [watch(plan) for watch in plan_watches()]
    unrecorded: list[Row] = []
    for step in plan.steps:
        unrecorded += _write_rows(plan, step.section, step.rows)
        for extra, changes in step.extras:
            _write_extra(plan, extra, changes)
    _stop_at(plan.problems)
    found = [each for compare in comparisons for each in compare()]
    by_item: defaultdict[int, list[ChangedAnswers]] = defaultdict(list)
    for each in found:
        by_item[id(each.item)].append(each)
    for done, row in enumerate(unrecorded, start=1):
        record_row(plan, row, by_item[id(row.item)])
        if done % SIZE == 0:
            plan.progress("changed, recorded", done, len(unrecorded))
    return found


def _write_rows(plan: Plan, section: Section, rows: Sequence[Row]) -> list[Row]:
    """Changed rows first: a value that moves from one row to another is free before it is taken.

    Returns those that are still to be recorded: the changed ones.
    """
    new = [row for row in rows if row.is_new]
    changed = sorted((row for row in rows if row.changed), key=section.write_order)
    if section.many:
        _update_many(section, changed)
    else:
        for row in changed:
            row.obj.save(update_fields=list(row.changed))
    for row in changed:
        section.after_change(row)
    for row in new:
        section.before_create(row.obj)
    section.model._default_manager.bulk_create([row.obj for row in new], batch_size=SIZE)
    for done, row in enumerate(new, start=1):
        record_row(plan, row)
        if done % SIZE == 0:
            plan.progress(f"{section.name}, written", done, len(new))
    return changed


def _update_many(section: Section, rows: Sequence[Row]) -> None:
    """Only the columns that changed, so that nothing that others write meanwhile is lost."""
    by_columns: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in rows:
        by_columns[tuple(row.changed)].append(row.obj)
    for columns, objects in by_columns.items():
        section.model._default_manager.bulk_update(objects, columns, batch_size=SIZE)


def _write_extra(plan: Plan, extra: Extra, changes: Sequence[Change]) -> None:
    for done, change in enumerate(changes, start=1):
        try:
            if change.write is not None:
                change.write()
        except ServiceError as error:
            plan.refuse(change.item, error.message)
        if done % SIZE == 0:
            plan.progress(f"{extra.name}, written", done, len(changes))


def _left_alone(plan: Plan) -> dict[str, int]:
    named = {step.section.name: len(step.rows) for step in plan.steps}
    left = {section: section.model._default_manager.count() - named.get(section.name, 0) for section in all_sections()}
    return {section.nouns if count > 1 else section.noun: count for section, count in left.items() if count > 0}
