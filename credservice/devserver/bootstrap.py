"""Takes the steps of `make run` that need Django: tables, static files, demonstration set-up, administrator.

All of them can be repeated; a second start finds nothing to do.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
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
from credservice.devserver.terminal import step

ADMINISTRATOR = "admin"


def set_up(files: Sequence[Path], log: IO[str]) -> None:
    """Bring database and static files up to date, and apply these set-up files."""
    try:
        _steps(files, log)
    except (ImproperlyConfigured, CommandError, SystemCheckError) as error:
        raise Refusal(str(error).strip()) from error
    except (OperationalError, NotSupportedError) as error:
        reason = " ".join(str(error).split())
        raise Refusal(f"DATABASE_URL does not lead to a PostgreSQL 14 or later that answers: {reason}") from error
    finally:
        connections.close_all()


def _steps(files: Sequence[Path], log: IO[str]) -> None:
    _load_django()
    # Here: it needs models, which are there once Django is loaded.
    from credservice.checks import refuse_unsound_start

    with step("Tables"):
        refuse_unsound_start(migrated=False)  # a key that does not open the database, before anything is written to it
        call_command("migrate", interactive=False, stdout=log, stderr=log)
    with step("Static files"):
        _collect_static(log)
    with step("Demonstration set-up"):
        for file in files:
            # Its examples are to work as printed, whatever was tried since.
            call_command("apply", str(file), accept_changed_answers=True, stdout=log)


def make_administrator() -> str | None:
    """Make a superuser with a random password, which is returned and kept nowhere; None where there is one already."""
    users = get_user_model().objects
    try:
        if users.filter(is_superuser=True).exists():
            return None
        password = secrets.token_urlsafe(15)
        users.create_superuser(username=ADMINISTRATOR, password=password)
        return password
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
