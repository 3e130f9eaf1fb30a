"""Shows that the figures count what they say."""

import ast
import threading

import grimp
import pytest

from tests.structure import imports, source
from tests.structure.tracing import Tracing

TOWN = {
    "__init__.py": "",
    "baker.py": "from town import miller",
    "miller.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from town.baker import Bread",
    "smith.py": "def shoe():\n    from town.carter import Horse",
    "carter.py": "from town.smith import shoe\nfrom town.miller import flour",
}


@pytest.fixture
def town(tmp_path, monkeypatch) -> grimp.ImportGraph:
    """Two circles, each with an import that Python does not run at once, and an arrow between them."""
    (tmp_path / "town").mkdir()
    for name, text in TOWN.items():
        (tmp_path / "town" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return imports.graph(["town"])


def test_circles_are_found_whichever_way_they_are_held_open(town):
    assert imports.circles(town) == {
        frozenset({"town.baker", "town.miller"}),
        frozenset({"town.smith", "town.carter"}),
    }


def test_an_import_in_nested_functions_is_counted_once():
    tree = ast.parse("import a\ndef f():\n  import b\n  def g():\n    from c import d\nclass K:\n  import e")
    assert len(imports.inside_functions(tree)) == 2


def test_every_package_is_looked_at():
    assert {source.name_of(path).partition("/")[0] for path in source.MODULES} == set(source.PACKAGES)


def test_a_room_is_a_package_below_the_kernel_or_a_door():
    rooms = imports.graph_of_rooms().modules
    assert {"credservice.audit", "exchange", "provisioning"} <= rooms
    assert not [room for room in rooms if room.count(".") > 1]


def test_files_are_noted_by_what_runs_also_in_threads(tmp_path, monkeypatch):
    def module(name):
        path = tmp_path / f"{name}.py"
        path.write_text("def run(): pass")
        return path

    paths = {name: module(name) for name in ("ran", "in_a_thread", "imported")}
    monkeypatch.setattr("tests.structure.tracing.MODULES", list(paths.values()))
    monkeypatch.setattr("tests.structure.tracing.name_of", lambda path: path.stem)
    functions = {name: {} for name in paths}
    with Tracing() as tracing:
        for name, path in paths.items():
            exec(compile(path.read_text(), path, "exec"), functions[name])
        functions["ran"]["run"]()
        thread = threading.Thread(target=functions["in_a_thread"]["run"])
        thread.start()
        thread.join()
    assert tracing.files == {"ran", "in_a_thread"}
