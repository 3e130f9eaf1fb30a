"""Enqueue work on an operation or a callback, in the transaction that needs it. Every task may run twice."""

from datetime import datetime
from uuid import UUID

from procrastinate.contrib.django import app


def enqueue(task: str, pk: UUID, at: datetime | None = None) -> None:
    """Have the worker run ``provisioning.<task>``, not before ``at``. Job arguments hold ids only."""
    app.configure_task(f"provisioning.{task}", schedule_at=at).defer(pk=str(pk))
