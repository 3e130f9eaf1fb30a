"""Registers the sections that set-up files may name: the kernel knows no door, so each app registers its own."""

from __future__ import annotations

from collections.abc import Callable

from credservice.manifest.schema import ChangedAnswers, Plan, Section

# Called before a plan is written. What it returns is called after that, and compares.
Watch = Callable[[Plan], Callable[[], list[ChangedAnswers]]]

_sections: dict[str, Section] = {}
_top: list[Section] = []
_checks: list[Callable[[Plan], None]] = []
_watches: list[Watch] = []


def register(section: Section, *, check: Callable[[Plan], None] | None = None, watch: Watch | None = None) -> None:
    """Let set-up files name ``section`` at their top. Called once, from ``AppConfig.ready``.

    ``check`` judges a whole plan, and ``watch`` finds whose answers it changes; both also of a file that does not name
    the section.
    """
    if section.name not in _sections:
        _top.append(section)
        _index(section)
        if check is not None:
            _checks.append(check)
        if watch is not None:
            _watches.append(watch)


def plan_watches() -> list[Watch]:
    return list(_watches)


def plan_checks() -> list[Callable[[Plan], None]]:
    return list(_checks)


def top_sections() -> list[Section]:
    """Return the sections at the top, in the order of their installed apps: what others refer to comes first."""
    return list(_top)


def all_sections() -> list[Section]:
    """Return the sections at the top and those in them."""
    return list(_sections.values())


def get_section(name: str) -> Section:
    return _sections[name]


def _index(section: Section) -> None:
    _sections[section.name] = section
    for inner in section.sections:
        _index(inner)
