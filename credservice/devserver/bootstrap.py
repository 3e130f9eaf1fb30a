"""Takes the steps of `make run` that need Django: tables, static files, demonstration set-up, administrator.

All of them can be repeated; a second start finds nothing to do, and changes nothing that somebody changed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import IO

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import NotSupportedError, OperationalError, connections

from credservice.devserver import Refusal
from credservice.devserver.demo import SetUpFile
from credservice.devserver.terminal import step

ADMINISTRATOR = "admin"


def set_up(files: Sequence[SetUpFile], log: IO[str]) -> None:
    """Bring database and static files up to date, and create what the database lacks of these set-up files."""
    try:
        _steps(files, log)
    except (ImproperlyConfigured, CommandError, SystemCheckError) as error:
        raise Refusal(str(error).strip()) from error
    except (OperationalError, NotSupportedError) as error:
        reason = " ".join(str(error).split())
        raise Refusal(f"DATABASE_URL does not lead to a PostgreSQL 14 or later that answers: {reason}") from error
    finally:
        connections.close_all()


def _steps(files: Sequence[SetUpFile], log: IO[str]) -> None:
    _load_django()
    # Here: it needs models, which are there once Django is loaded.
    from credservice.checks import refuse_unsound_start

    with step("Tables"):
        refuse_unsound_start(migrated=False)  # a key that does not open the database, before anything is written to it
        call_command("migrate", interactive=False, stdout=log, stderr=log)
    with step("Static files"):
        _collect_static(log)
    with step("Demonstration set-up"):
        made = sum(_demonstrate(file, log) for file in files)
    entries = f"{made} {'entry' if made == 1 else 'entries'} made" if made else "nothing was missing"
    print(f"    {entries}; what you changed of it stays", flush=True)


def _demonstrate(file: SetUpFile, log: IO[str]) -> int:
    """Create what the database lacks of a file: how many entries. What is there stays as somebody has left it.

    An address that this start chose anew replaces the last one, where all that the file says is still as it was.
    """
    if file.before and file.before.read_text() != file.path.read_text() and _is_as_written(file.before):
        call_command("apply", str(file.path), accept_changed_answers=True, stdout=log)
    printed = _applied(file.path, only_missing=True)
    log.write(printed)
    return sum(line.startswith("+ ") for line in printed.splitlines())


def _is_as_written(before: Path) -> bool:
    try:
        return "Nothing to change." in _applied(before, dry_run=True, accept_changed_answers=True)
    except CommandError:
        return False


def _applied(path: Path, **options: bool) -> str:
    printed = StringIO()
    call_command("apply", str(path), stdout=printed, **options)
    return printed.getvalue()


def make_administrator() -> tuple[str, str | None]:
    """Make a superuser with a random password, which is kept nowhere: its name, and None where there is one already.

    Under OIDC_ONLY that is the emergency account: no other one could sign in.
    """
    users = get_user_model().objects
    name = settings.EMERGENCY_ACCOUNT if settings.OIDC_ONLY else ADMINISTRATOR
    there = users.filter(username=name) if settings.OIDC_ONLY else users.filter(is_superuser=True)
    try:
        if there.exists():
            return name, None
        password = secrets.token_urlsafe(15)
        users.create_superuser(username=name, password=password)
        return name, password
    finally:
        connections.close_all()


def _load_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
    django.setup()
    logging.getLogger().setLevel(logging.WARNING)  # the steps say on one line each what they did


def _collect_static(log: IO[str]) -> None:
    """Only where a file has changed since the last time: compressing them takes seconds."""
    marker = Path(settings.STATIC_ROOT) / ".collected"
    state = hashlib.sha256("\n".join(sorted(_static_files())).encode()).hexdigest()
    if not marker.exists() or marker.read_text() != state:
        call_command("collectstatic", interactive=False, stdout=log, stderr=log)
        marker.write_text(state)


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            yield f"{name} {found.st_size} {found.st_mtime_ns}"
