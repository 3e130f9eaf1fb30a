"""Finds docstrings that begin with a question's word, where a verb and its object would say more."""

import ast
import re
from collections.abc import Iterator

from tests.structure.source import MODULES, TESTS, trees

_ASKING = re.compile(r"\W*(What|That|Whether|Who|Whose|How|Which|Where)\b")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def asking() -> Iterator[str]:
    """The place and the first line of each such docstring: of modules, public classes, functions and methods."""
    for name, tree in trees([*MODULES, *TESTS]):
        for node in public(tree):
            text = ast.get_docstring(node) or ""
            if _ASKING.match(text):
                yield f"{name}:{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}"


def public(node: _Documented) -> Iterator[_Documented]:
    """``node`` and what it defines, without names that begin with an underscore and what is inside functions."""
    yield node
    if isinstance(node, ast.Module | ast.ClassDef):
        for each in node.body:
            if isinstance(each, _Documented) and not each.name.startswith("_"):
                yield from public(each)
