"""Writes `$VAR_DIR/development.env`: made once by `make run`, read by settings beside the environment."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from credservice.devserver.file_lock import FileLock

NAME = "development.env"
EMBEDDED = "EMBEDDED_POSTGRES"  # "yes" where DATABASE_URL is the server that `make run` starts
RUN_LOCK = "run.lock"  # beside it; held by the `make run` that serves this state
_HEADER = "# Made by `make run` for this machine only. Losing ENCRYPTION_KEYS loses every sealed value."
_FIXED = {"ENVIRONMENT": "development", "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]"}


def write(path: Path, database: Mapping[str, str]) -> None:
    """Add what is missing, set the lines of `database` anew, and keep every other line as it is."""
    lines = path.read_text().splitlines() if path.exists() else [_HEADER]
    present = {line.partition("=")[0].strip() for line in lines}
    kept = [line for line in lines if line.partition("=")[0].strip() not in database]
    missing = {name: value for name, value in (_FIXED | random_keys()).items() if name not in present}
    made = [f"{name}={value}" for name, value in {**missing, **database}.items()]
    text = "".join(f"{line}\n" for line in kept + made)
    if not path.exists() or text != path.read_text():
        _replace(path, text)


def read(path: Path) -> dict[str, str]:
    """Read the file's values; empty where there is no file."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def random_keys() -> dict[str, str]:
    """Make the settings that every set-up has of its own."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }


def waits_for_run(var_dir: Path) -> bool:
    """Tell whether the database in use is the embedded one and no `make run` is there to start it."""
    kept = read(var_dir / NAME)
    if kept.get(EMBEDDED) != "yes" or kept.get("DATABASE_URL") != os.environ.get("DATABASE_URL"):
        return False
    lock = FileLock(var_dir / RUN_LOCK)
    free = lock.acquire()
    lock.release()
    return free


def _replace(path: Path, text: str) -> None:
    """In one step and never readable by others: an interruption leaves the old file."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(path)
