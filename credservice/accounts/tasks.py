"""Deletes ended sessions, and marks of used challenges, in the worker."""

from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.accounts.models import CacheEntry
from credservice.accounts.sessions import SessionStore


@app.periodic(cron="*/10 * * * *")
@app.task(name="accounts.forget_sessions", queueing_lock="accounts.forget_sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    """Delete what is left of sessions that have ended. Anybody begins one who asks how to sign in with a passkey."""
    SessionStore.clear_expired()
    CacheEntry.objects.filter(expires__lte=timezone.now()).delete()
