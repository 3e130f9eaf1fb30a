"""``python -m tests.structure``: how the code hangs together, in figures. docs/decisions.md shows them over time."""
