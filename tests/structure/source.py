"""Finds the product's own files: what is installed, without migrations; and its tests."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

# Named once, where the import contracts name them.
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
MODULES = [
    path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts
]
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "node_modules" not in path.parts]
TEMPLATES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.html"))]


def name_of(path: Path) -> str:
    """The file's path below the root, as the figures and the tests show it."""
    return path.relative_to(ROOT).as_posix()


def trees(paths: list[Path] = MODULES) -> Iterator[tuple[str, ast.Module]]:
    """Every module's name and syntax tree."""
    for path in paths:
        yield name_of(path), ast.parse(path.read_text())


def lines(paths: list[Path]) -> int:
    """Count the lines of ``paths``, also blank ones and comments."""
    return sum(len(path.read_text().splitlines()) for path in paths)
