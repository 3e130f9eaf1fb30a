"""Keeps sessions, invitations, the cache of used codes and tries, and allauth's second factors."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from credservice.accounts.sealing import sealed_in
from credservice.core.names import NameField
from credservice.crypto import Place
from credservice.crypto.fields import SealedField

# The first mark that a User-Agent holds decides: most name those they descend from as well.
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class SessionQuerySet(models.QuerySet["ConsoleSession"]):
    def live(self) -> "SessionQuerySet":
        """Find those neither past their end nor idle for too long."""
        now = timezone.now()
        idle_since = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        return self.filter(expires_at__gt=now, seen_at__gt=idle_since)

    def ended(self) -> "SessionQuerySet":
        """Find all others."""
        now = timezone.now()
        idle_since = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        return self.filter(models.Q(expires_at__lte=now) | models.Q(seen_at__lte=idle_since))

    def end(self, user: Any, *, but: str | None = None) -> int:
        """End a user's sessions, all or all ``but`` one: how many there were."""
        theirs = self.filter(user_id=user.pk).exclude(pk=but or "")
        ended = theirs.live().count()
        theirs.delete()
        return ended


class ConsoleSession(models.Model):
    """A browser's session. Its id is kept as a digest, its content sealed: a copy of the table signs nobody in."""

    id = models.CharField(primary_key=True, max_length=64)
    sealed_content = SealedField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    source = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"session {self.pk[:8]}"

    def browser_name(self) -> str:
        """Name the browser as a person knows it, such as ``Firefox on Windows``."""
        name = next((name for mark, name in BROWSERS if mark in self.browser), "")
        system = next((name for mark, name in SYSTEMS if mark in self.browser), "")
        return " on ".join(part for part in (name, system) if part) or self.browser[:40] or "unknown browser"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Find those that can still be taken."""
        return self.filter(taken_at=None, ended_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A one-time link by which somebody makes an account of their own, with given roles. Only its digest is kept."""

    digest = models.BinaryField(max_length=36, unique=True, editable=False)
    invited = NameField(max_length=150, help_text="Who it is for: a name or an e-mail address, for yourselves.")
    roles = models.ManyToManyField(Group, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    taken_at = models.DateTimeField(null=True, editable=False)
    taken_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        default_permissions = ("add", "view")
        permissions = [("end_invitation", "Can end an invitation")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.invited

    @property
    def state(self) -> str:
        if self.taken_at:
            return "taken"
        if self.ended_at:
            return "ended"
        return "waiting" if self.expires_at > timezone.now() else "expired"


class CacheEntry(models.Model):
    """Marks a challenge that was used, by its digest, until it would be good for nothing anyhow.

    The table is that of Django's cache, which it held once. Its values are pickled, so that whoever writes to the
    database could have the service run code of theirs: nothing reads a value here.
    """

    cache_key = models.CharField(primary_key=True, max_length=255)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "accounts_cache"
        default_permissions = ()

    def __str__(self) -> str:
        return self.cache_key


class SecondFactor(Authenticator):  # type: ignore[misc]
    """allauth's rows, for those who look for sealed values."""

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def sealed_in_handles(cls) -> Iterator[tuple[Place, bytes]]:
        """Find where a secret of an authenticator is sealed, and what is sealed there: for ``check_sealed``."""
        for row in cls.objects.order_by("pk").iterator():
            yield from sealed_in(row)
