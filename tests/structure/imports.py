"""Finds circles of imports, counting those under TYPE_CHECKING and inside functions, and the latter by themselves.

A circle is a set of files of which each needs every other, however many steps that takes. Python runs it where an
import waits until a function is called; a reader still cannot take any of its files alone.
"""

import ast
from collections.abc import Iterator, Sequence

import grimp
from grimp import ImportGraph

from tests.structure.source import PACKAGES, trees

Circle = frozenset[str]


def graph(packages: Sequence[str] = PACKAGES) -> ImportGraph:
    """Everything that the modules of ``packages`` import of each other."""
    return grimp.build_graph(*packages, cache_dir=None)


def graph_of_rooms() -> ImportGraph:
    """The same between rooms: each package or module straight under credservice, and each other package at the top."""
    rooms = graph()
    doors = {package for package in PACKAGES if package != "credservice"}
    for room in rooms.find_children("credservice") | doors:
        rooms.squash_module(room)
    return rooms


def circles(found: ImportGraph) -> set[Circle]:
    """Group the modules that each need every other; a module in no circle is in no group."""
    around = {
        module: found.find_downstream_modules(module) & found.find_upstream_modules(module) for module in found.modules
    }
    return {frozenset(others | {module}) for module, others in around.items() if others}


def imports_inside_functions() -> Iterator[tuple[str, str]]:
    """The file and the imported module of each import statement inside a function."""
    for name, tree in trees():
        for statement in sorted(inside_functions(tree), key=lambda found: found.lineno):
            if isinstance(statement, ast.ImportFrom):
                yield name, "." * statement.level + (statement.module or "")
            else:
                yield name, ", ".join(alias.name for alias in statement.names)


def inside_functions(tree: ast.Module) -> set[ast.Import | ast.ImportFrom]:
    """Every import statement inside a function of ``tree``, once also where functions are nested."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    }
