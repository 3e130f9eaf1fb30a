"""Makes a set-up for a while: its own PostgreSQL, keys and state folder, gone afterwards. For tests and checks.

Any number of them can be used at once in one checkout; none touches what `make run` keeps.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from credservice.devserver.envfile import random_keys
from credservice.devserver.file_lock import FileLock
from credservice.devserver.postgres import EmbeddedPostgres

_PREFIX = "credservice-throwaway-"
_STARTING_SECONDS = 60


@contextlib.contextmanager
def throwaway() -> Iterator[dict[str, str]]:
    """Yield the environment variables of a new set-up; an own DATABASE_URL in the environment is kept."""
    _sweep()
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
        lock = FileLock(folder / "lock")
        lock.acquire()
        stack.callback(lock.release)
        var_dir = folder / "var"
        (var_dir / "static").mkdir(parents=True)  # WhiteNoise warns where it is missing
        environment = {
            "VAR_DIR": str(var_dir),
            "ENVIRONMENT": "development",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
            **random_keys(),
        }
        if not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")):
            server = stack.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
            environment["DATABASE_URL"] = server.url
        yield environment


def _sweep() -> None:
    """Remove what killed processes left behind: one that lives holds its folder's lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid != os.geteuid() or found.st_mtime > time.time() - _STARTING_SECONDS:
                continue
            lock = FileLock(folder / "lock")
            if lock.acquire():
                shutil.rmtree(folder)
                lock.release()
