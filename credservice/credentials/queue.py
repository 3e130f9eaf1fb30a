"""Enqueue work on a credential, in the transaction that needs it. Every task may run twice without harm."""

from datetime import datetime

from procrastinate.contrib.django import app

from credservice.credentials.models import Credential


def enqueue(task: str, credential: Credential, at: datetime | None = None) -> None:
    """Have the worker run ``credentials.<task>`` for it, not before ``at``. Job arguments hold ids only."""
    app.configure_task(f"credentials.{task}", schedule_at=at).defer(credential_id=str(credential.pk))
