"""What a set-up file would change: every entry compared with the database, and all that is wrong with the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from credservice.setup.batches import SIZE
from credservice.setup.change import Change
from credservice.setup.columns import Reference
from credservice.setup.entries import rows_of
from credservice.setup.fields import read_fields
from credservice.setup.problems import Problems, dotted
from credservice.setup.registry import get_section, plan_checks, top_sections
from credservice.setup.rules import refuse_shared
from credservice.setup.section import Extra, Row, Section
from credservice.setup.source import Item

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Step:
    """The rows of one section and their extras' changes, to be written after those of the steps before."""

    section: Section
    rows: list[Row]
    extras: list[tuple[Extra, list[Change]]]


@dataclass
class Plan:
    """The rows that a file names and the changes that they need."""

    actor: str
    problems: Problems
    progress: Progress = lambda what, done, total: None
    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _named: dict[tuple[str, Any, str], Any] = field(default_factory=dict)  # by section, scope and name
    _rows: dict[Any, Any] = field(default_factory=dict)  # by primary key
    _bad: set[Any] = field(default_factory=set)

    def read(self, root: Item) -> None:
        """Plan the whole file."""
        entries = root.entries or {}
        self.refuse_unknown(entries, [section.name for section in top_sections()])
        for section in top_sections():
            if section.name in entries:
                self._plan(section, [(None, entries[section.name])])
        for check in plan_checks():
            check(self)

    def _plan(self, section: Section, groups: Sequence[tuple[Row | None, Item]]) -> None:
        rows = rows_of(self, section, groups)
        for done, row in enumerate(rows, start=1):
            self.changes += read_fields(self, row)
            if done % SIZE == 0:
                self.progress(section.name, done, len(rows))
        refuse_shared(self, section, rows)
        if section.check is not None:
            section.check(self, rows)
        extras = [(extra, list(extra.plan(self, rows))) for extra in section.extras]
        self.changes += [change for _, changes in extras for change in changes]
        self.steps.append(Step(section, rows, extras))
        for inner in section.sections:
            named = [(row, item) for row in rows if (item := row.entry(inner.name)) is not None]
            if named:
                self._plan(inner, named)

    # --- What is wrong, and what is worth knowing ------------------------------------------------------------------

    def refuse(self, item: Item, text: str) -> None:
        self.problems.add(item.line, item.path, text)

    def refuse_unknown(self, entries: dict[str, Item], known: Sequence[str]) -> None:
        for name, item in entries.items():
            if name not in known:
                self.refuse(item, f"there is no such key: write one of {', '.join(known)}")

    def note(self, item: Item, text: str) -> None:
        """Tell what a person may want to know and that is no error."""
        self.notes.append(f"{dotted(item.path)}: {text}")

    def distrust(self, obj: Any) -> None:
        """Something is wrong with this row: what refers to it cannot be judged."""
        self._bad.add(obj.pk)

    def is_sound(self, obj: Any) -> bool:
        return obj.pk not in self._bad

    # --- Which rows there are --------------------------------------------------------------------------------------

    def know(self, section: Section, obj: Any, key: str) -> None:
        self._named[section.name, section.scope_of(obj), key] = obj
        self._rows[obj.pk] = obj

    def planned(self, pk: Any) -> Any:
        """The row as the file will leave it; None where the file does not name it."""
        return self._rows.get(pk)

    def find(self, section_name: str, scope: Any, key: str) -> Any:
        """The row of this name, in the file or else in the database; None where there is none."""
        section = get_section(section_name)
        place = (section_name, scope.pk if scope is not None else None, key)
        if place not in self._named:
            column = section.scope or section.parent
            where = {section.key: key} | ({column: scope} if column else {})
            saved = scope is None or not scope._state.adding
            self._named[place] = found = section.model._default_manager.filter(**where).first() if saved else None
            if found is not None:
                self.adopt(section, found)
        return self._named[place]

    def adopt(self, section: Section, obj: Any) -> None:
        """Let a row refer to the file's rows, not to their stale images from the database."""
        for known in section.fields:
            if isinstance(known, Reference):
                planned = self.planned(getattr(obj, f"{known.attribute}_id"))
                if planned is not None:
                    setattr(obj, known.attribute, planned)

    def changed(self, section_name: str, *columns: str) -> dict[Any, Row]:
        """The file's sound rows of which one of these columns changes, by primary key."""
        rows = [row for step in self.steps if step.section.name == section_name for row in step.rows]
        return {row.obj.pk: row for row in rows if self.is_sound(row.obj) and set(columns) & set(row.changed)}
