"""The documents' form: lines that are read without scrolling, and a first sentence that says for whom a page is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = sorted(ROOT.glob("docs/**/*.md"))
DOCUMENTS = [*PAGES, *(ROOT / name for name in TOP)]
LONGEST = 100


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """List the lines that a person reads on end: no code, tables, headings or pictures."""
    fence = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        begins = re.match(r"\s*(```+)", line)
        if begins and not fence:
            fence = begins[1]
        elif begins and begins[1].startswith(fence):
            fence = ""
        elif not fence and not re.match(r"\s*(\||#|<|!\[|    )", line):
            yield number, line


def breakable(line: str) -> bool:
    """Tell whether a line has a place to break it at: inside of code and links there is none."""
    whole = re.sub(r"(`+).+?\1|\[[^\]]*\]\([^)]*\)", lambda found: found[0].replace(" ", "_"), line.strip())
    return " " in whole[:LONGEST].removeprefix("- ")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_lines_are_short(path: Path) -> None:
    assert [number for number, line in prose(path) if len(line) > LONGEST and breakable(line)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_says_for_whom_it_is_and_how_long_it_takes(path: Path) -> None:
    beginning = path.read_text()[:700]
    assert re.search(r"\bFor [^.]+\. [^.]*\b(minutes?|look (it|things) up)\b", beginning), beginning[:200]
