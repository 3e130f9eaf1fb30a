"""A pytest plugin that gives a run its own PostgreSQL, keys and state folder, before Django reads its settings.

The first process of a run sets this up; the workers of pytest-xdist inherit it. Set DATABASE_URL to test against
another PostgreSQL.
"""

import atexit
import contextlib
import os

import pytest

from credservice.local import Refusal
from credservice.local.throwaway import throwaway

if "PYTEST_XDIST_WORKER" not in os.environ:
    cleanup = contextlib.ExitStack()
    atexit.register(cleanup.close)
    try:
        os.environ.update(cleanup.enter_context(throwaway()))
    except Refusal as refusal:
        pytest.exit(str(refusal), returncode=2)
