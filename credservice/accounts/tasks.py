"""Deletes ended sessions, and marks of used challenges, in the worker."""

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.accounts.models import CacheEntry, ConsoleSession
from credservice.accounts.sessions import SessionStore


@app.periodic(cron="*/10 * * * *")
@app.task(name="accounts.forget_sessions", queueing_lock="accounts.forget_sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    """Delete what is left of sessions that have ended. Anybody begins one who asks how to sign in with a passkey.

    Under OIDC_ONLY those of local accounts as well, which are refused: they are not to be good again without it.
    """
    SessionStore.clear_expired()
    if settings.OIDC_ONLY:
        local = ConsoleSession.objects.filter(user__isnull=False, user__socialaccount__isnull=True)
        local.exclude(user__username=settings.EMERGENCY_ACCOUNT).delete()
    CacheEntry.objects.filter(expires__lte=timezone.now()).delete()
