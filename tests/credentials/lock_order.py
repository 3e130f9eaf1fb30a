"""Finds which of a line's credentials is locked first by somebody who ends several."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from credservice.credentials.models import Credential


def add_successor(first: Credential) -> Credential:
    """An active successor whose id sorts before that of ``first``, as a random one may."""
    Credential.objects.filter(pk=first.pk).update(
        state=Credential.State.RETIRING, retires_at=timezone.now() + timedelta(hours=1)
    )
    return Credential.objects.create(
        pk=UUID(int=1),
        policy=first.policy,
        line=first.line,
        predecessor=first,
        subject=first.subject,
        state="active",
        sealed_values=first.sealed_values,
    )


def is_free_while_waiting(act: Callable[[], Any], first: Credential, second: Credential) -> bool:
    """Tell if ``act``, while it has to wait for the lock on ``first``, leaves ``second`` to others."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Credential.objects.select_for_update().get(pk=first.pk)
            acting = threads.submit(run)
            await_somebody_waiting()
            free = list(Credential.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=second.pk))
        acting.result(20)
    return bool(free)


def await_somebody_waiting() -> None:
    """Until another connection waits for a lock in this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while cursor.execute(waiting).fetchone()[0] == 0:
            assert time.monotonic() < deadline, "nobody waits for the lock"
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            time.sleep(0.02)
