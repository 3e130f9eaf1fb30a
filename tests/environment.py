"""A pytest plugin that gives a run its own PostgreSQL, keys and state folder, before Django reads its settings.

The first process of a run sets this up; the workers of pytest-xdist inherit it. So any number of runs can go on at
once in one checkout, none touches what `make run` keeps, and no server outlives a run, also one that is killed.
Set DATABASE_URL to test against another PostgreSQL.
"""

import base64
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from credservice.local import Refusal
from credservice.local.postgres import EmbeddedPostgres

_PREFIX = "credservice-test-"
_STARTING_SECONDS = 60
_cleanup = contextlib.ExitStack()


def _set_up() -> None:
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    _cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
    lock = _cleanup.enter_context((folder / "lock").open("wb"))
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")):
        server = EmbeddedPostgres(folder / "postgres", durable=False)
        _cleanup.callback(server.stop)
        os.environ["DATABASE_URL"] = server.start()
    var_dir = folder / "var"
    var_dir.mkdir(mode=0o700)
    os.environ.update(
        VAR_DIR=str(var_dir),
        ENVIRONMENT="development",
        SECRET_KEY=secrets.token_urlsafe(48),
        ENCRYPTION_KEYS=f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        ALLOWED_HOSTS="localhost,127.0.0.1,[::1],testserver",
    )


def _sweep() -> None:
    """Remove what killed runs left behind: a run that lives holds its folder's lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid != os.geteuid() or found.st_mtime > time.time() - _STARTING_SECONDS:
                continue
            with open(folder / "lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


def pytest_unconfigure() -> None:
    _cleanup.close()


if "PYTEST_XDIST_WORKER" not in os.environ:
    try:
        _set_up()
    except Refusal as refusal:
        _cleanup.close()
        pytest.exit(str(refusal), returncode=2)
    except BaseException:
        _cleanup.close()
        raise
