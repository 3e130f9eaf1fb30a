"""Prints the figures, a name and a value on each line. Takes about a minute; -v shows what was counted."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.structure import copies, imports, source

Figure = tuple[str, int, list[str]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.structure", description=__doc__)
    parser.add_argument("-v", action="store_true", dest="show", help="show what was counted")
    options = parser.parse_args()
    ways = Ways()
    with contextlib.redirect_stdout(sys.stderr):
        status = pytest.main(["-q", "tests/structure/ways.py"], plugins=[ways])
    for name, value, counted in [*of_imports(), *of_sizes(), *of_copies(), *ways.figures]:
        print(name, value)
        for each in counted if options.show else ():
            print("  ", each)
    return status


def of_imports() -> Iterator[Figure]:
    files, rooms = imports.circles(imports.graph()), imports.circles(imports.graph_of_rooms())
    yield "circles_of_files", len(files), [" ".join(sorted(circle)) for circle in files]
    yield "files_in_circles", sum(map(len, files)), []
    yield "circles_of_rooms", len(rooms), [" ".join(sorted(circle)) for circle in rooms]
    yield "rooms_in_circles", sum(map(len, rooms)), []
    inside = [f"{file}: {module}" for file, module in imports.imports_inside_functions()]
    yield "imports_inside_functions", len(inside), inside


def of_sizes() -> Iterator[Figure]:
    yield "files_of_python", len(source.MODULES), []
    yield "lines_of_python", source.lines(source.MODULES), []
    yield "templates", len(source.TEMPLATES), []
    yield "lines_of_templates", source.lines(source.TEMPLATES), []


def of_copies() -> Iterator[Figure]:
    for name, files in copies.copies():
        yield f"files_where_{name}", len(files), files


class Ways:
    """A pytest plugin that takes down the figures of ways.py."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            self.figures += [(name, len(files), files) for name, files in report.user_properties]


if __name__ == "__main__":
    sys.exit(main())
