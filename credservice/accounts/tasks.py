"""Deletes ended sessions, and marks of used challenges, in the worker."""

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from credservice.accounts.models import CacheEntry, ConsoleSession
from credservice.accounts.sessions import SessionStore


@app.periodic(cron="*/10 * * * *")
@app.task(name="accounts.forget_sessions", queueing_lock="accounts.forget_sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    """Delete what is left of sessions that have ended. Anybody begins one who asks how to sign in with a passkey.

    Those that the settings refuse as well, of local accounts under OIDC_ONLY and of providers that are gone: they are
    not to be good again when the settings change back.
    """
    SessionStore.clear_expired()
    if settings.OIDC_ONLY:
        local = ConsoleSession.objects.filter(user__isnull=False, user__socialaccount__isnull=True)
        local.exclude(user__username=settings.EMERGENCY_ACCOUNT).delete()
    of_gone = SocialAccount.objects.exclude(provider__in=[*settings.OIDC_PROVIDERS])
    ConsoleSession.objects.filter(user__in=of_gone.values("user")).delete()
    CacheEntry.objects.filter(expires__lte=timezone.now()).delete()
