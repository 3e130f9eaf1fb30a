"""Holds how a docstring begins: with a verb and its object."""

from tests.structure.docstrings import asking


def test_no_docstring_begins_with_a_question():
    assert list(asking()) == []
