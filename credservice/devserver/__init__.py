"""Brings a fresh clone to a running service: the embedded PostgreSQL, its keys and `make run`.

Not a Django app, and nothing that production needs: a deployment brings its own PostgreSQL, settings and supervisor.
"""

from __future__ import annotations


class Refusal(Exception):
    """A reason not to go on, as one sentence that says what to do. Printed as it is, without a traceback."""
