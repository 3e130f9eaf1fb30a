"""Plans what a set-up file would change: compares every entry with the database, and notes all that is wrong."""

from collections.abc import Sequence

from credservice.manifest.document import Item, Problems
from credservice.manifest.entries import rows_of
from credservice.manifest.fields import read_fields
from credservice.manifest.registry import all_sections, plan_checks, top_sections
from credservice.manifest.rules import refuse_shared
from credservice.manifest.schema import SIZE, Plan, Progress, Row, Section, Step


def make_plan(root: Item, problems: Problems, *, actor: str, progress: Progress, only_missing: bool = False) -> Plan:
    """Plan the whole file; what is wrong with it goes to ``problems``."""
    plan = Plan(actor, problems, {section.name: section for section in all_sections()}, progress, only_missing)
    entries = root.entries or {}
    plan.refuse_unknown(entries, [section.name for section in top_sections()])
    for section in top_sections():
        if section.name in entries:
            _plan_section(plan, section, [(None, entries[section.name])])
    for check in plan_checks():
        check(plan)
    return plan


def _plan_section(plan: Plan, section: Section, groups: Sequence[tuple[Row | None, Item]]) -> None:
    rows = rows_of(plan, section, groups)
    for done, row in enumerate(rows, start=1):
        plan.changes += read_fields(plan, row)
        if done % SIZE == 0:
            plan.progress(section.name, done, len(rows))
    refuse_shared(plan, section, rows)
    if section.check is not None:
        section.check(plan, rows)
    extras = [(extra, list(extra.plan(plan, rows))) for extra in section.extras]
    plan.changes += [change for _, changes in extras for change in changes]
    plan.steps.append(Step(section, rows, extras))
    for inner in section.sections:
        named = [(row, item) for row in rows if (item := row.entry(inner.name)) is not None]
        if named:
            _plan_section(plan, inner, named)
