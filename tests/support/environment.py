"""A pytest plugin that gives a run its own PostgreSQL, keys and state folder, before Django reads its settings.

The first process of a run sets this up; the workers of pytest-xdist inherit it. Set DATABASE_URL to test against
another PostgreSQL.
"""

import atexit
import contextlib
import os

import pytest

from credservice.devserver import Refusal
from credservice.devserver.ephemeral import throwaway


def _drop_template() -> None:
    from tests.support.live import drop_template  # here: not before this run's environment is set

    drop_template()


if "PYTEST_XDIST_WORKER" not in os.environ:
    cleanup = contextlib.ExitStack()
    atexit.register(cleanup.close)
    try:
        os.environ.update(cleanup.enter_context(throwaway()))
        cleanup.callback(_drop_template)
    except Refusal as refusal:
        pytest.exit(str(refusal), returncode=2)
