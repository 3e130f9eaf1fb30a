"""Words that a person reads: what was retired for a plainer one does not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# What was retired, and what is said instead.
RETIRED = {
    r"\bGo on\b": "Continue",
    r"\bAll of them\b": "View all",
    r"\bNo time: ": "Revoke now (leaked)",
    r"is known by this": "No results.",
    r"\bIts line\b": "Versions",
    r"\bAll of (its|this) line\b": "All versions",
    r"\bmade, or entered\b": "created",
    r"\bNeeds you\b": "Needs attention",
    r"\bNothing waits for you\b": "Nothing needs attention.",
    r"\bUnder way\b": "In progress",
    r"\bstays? good for\b": "stays valid for",
    r"\b[Pp]resent (secret|credential|key)\b": "current",
}
PACKAGES = ("credservice", "exchange", "provisioning", "credservice_client")
# Metrics have names that others have written into their rules; decisions tell what was said at their time.
LEFT_OUT = ("docs/decisions.md", "credservice/metrics.py", "credservice/figures.py")


def texts() -> Iterator[tuple[str, str]]:
    """List all that a person reads, each with its place: pages, messages, documents."""
    files = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    for path in files:
        yield _name(path), path.read_text()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from ((f"{_name(path)}:{line}", text) for line, text in _strings(path))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """List a module's texts but for its docstrings, which its developers read."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = (node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body)
    docstrings = {id(statement.value) for statement in first if isinstance(statement, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize(("retired", "instead"), RETIRED.items())
def test_a_retired_word_does_not_come_back(retired: str, instead: str) -> None:
    found = [place for place, text in texts() if re.search(retired, text) and not place.startswith(LEFT_OUT)]
    assert found == [], f"say: {instead}"
