"""Holds what a reader can take alone: no file and no room needs itself by way of others."""

from tests.structure import imports


def test_no_files_import_each_other_in_a_circle():
    assert imports.circles(imports.graph()) == set()


def test_no_rooms_import_each_other_in_a_circle():
    assert imports.circles(imports.graph_of_rooms()) == set()
