"""Finds credentials by what becomes of them, and locks them."""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from credservice.credentials.models.policies import CredentialPolicy

if TYPE_CHECKING:
    from credservice.credentials.models.credentials import Credential

STUCK_AFTER = 5  # failed attempts
FAILS_AFTER = 2  # attempts: one alone may be a hiccup


def stuck(attempts: int = STUCK_AFTER) -> models.Q:
    """Find what has failed so often of what is being made or ended, both of which are few and have an index."""
    under_way = models.Q(state="pending") | models.Q(state="retiring", retires_at__lte=timezone.now())
    return under_way & models.Q(attempts__gte=attempts)


class CredentialQuerySet(models.QuerySet["Credential"]):
    def unended(self) -> "CredentialQuerySet":
        """Keep those that work, or may yet."""
        return self.filter(state__in=self.model.UNENDED)

    def lacking_values(self) -> "CredentialQuerySet":
        """Keep those that are handed out without a value of their policy: made before that had its name.

        Found by when they were activated: nothing is unsealed. Few retire, and each of the two is found by an index of
        its own.
        """
        active = models.Q(state="active")
        lacking = models.Q(pk__in=[])
        for policy in CredentialPolicy.objects.exclude(earlier_names=[]):
            for since, until, _ in policy.gains():
                made = models.Q(policy=policy, activated_at__lt=until)
                made &= models.Q(activated_at__gte=since) if since else models.Q()
                lacking |= (made & active) | (made & last_retiring())
        return self.filter(lacking)

    def usable(self) -> "CredentialQuerySet":
        """Keep those that may be handed out now, as ``Credential.is_usable`` tells."""
        now = timezone.now()
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        unretired = models.Q(retires_at=None) | models.Q(retires_at__gt=now)
        return self.filter(unexpired, unretired, state__in=self.model.USABLE, sealed_values__isnull=False)

    def in_use(self) -> "CredentialQuerySet":
        """Keep those that may still work outside, with a value that a good version of their line has too."""
        return self.filter(models.Exists(_holders()), outside__in=self.model.UNCONFIRMED)

    def with_use(self) -> "CredentialQuerySet":
        """Find ``Credential.shared_with`` of all of these at once."""
        left = models.When(outside__in=self.model.UNCONFIRMED, then=models.Subquery(_holders().values("pk")[:1]))
        found = {"shared_with": models.Case(left, output_field=models.UUIDField())}
        return self.annotate(**found)

    def sharing(self, credential: "Credential") -> "CredentialQuerySet":
        """Keep the other versions of its line that have a value of this one, by their digests as they are now."""
        its = self.model.objects.filter(pk=credential.pk).values("value_digests")
        found = self.filter(line=credential.line, value_digests__overlap=models.Subquery(its))
        return found.exclude(pk=credential.pk).select_related("policy")

    def with_any(self, digests: Iterable[bytes]) -> "CredentialQuerySet":
        """Keep those that have a value of these digests, newest first: in no order, but with a bound, PostgreSQL would
        rather read the whole table."""
        return self.filter(value_digests__overlap=[*digests]).order_by("-activated_at").select_related("policy")

    def lock_one(self, credential: "Credential", *, with_line: bool = False) -> "Credential":
        """Read the row as it is now, locked until the transaction ends; ``with_line``, where what becomes of it touches
        or hangs on others of its line, with all of these: the oldest first, as everybody locks them."""
        if with_line:
            self.filter(line=credential.line).lock()
        return self.select_for_update(of=("self",)).select_related("policy").get(pk=credential.pk)

    def lock(self) -> "list[Credential]":
        """Lock these until the transaction ends: a line's oldest first, the order that everybody keeps who locks
        several, so that two who meet wait for each other only one way."""
        ordered = self.select_for_update(of=("self",)).order_by("line", "created_at", "pk")
        # Each statement may wait for a rotation, whose successor only the next statement sees.
        locked: list[uuid.UUID] = []
        found = list(ordered.values_list("pk", flat=True))
        rows: list[Credential] = []
        while locked != found:
            rows = list(ordered.all())
            locked, found = found, [row.pk for row in rows]
        return rows


def _holders() -> CredentialQuerySet:
    """Find, for an ended credential of an outer query, the good versions of its line that have a value of it."""
    same = {"line": models.OuterRef("line"), "value_digests__overlap": models.OuterRef("value_digests")}
    return _credentials().usable().filter(**same).order_by("state", "-created_at")


def last_retiring() -> models.Q:
    """Find those that retire and are handed out, because what came after them has ended: their line goes on from
    them."""
    retires = models.Q(
        models.Q(expires_at=None) | models.Q(expires_at__gt=Now()), state="retiring", retires_at__gt=Now()
    )
    line = _credentials().filter(line=models.OuterRef("line"))
    newer = line.filter(retires, created_at__gt=models.OuterRef("created_at"))
    return retires & ~models.Exists(line.filter(state="active")) & ~models.Exists(newer)


def _credentials() -> CredentialQuerySet:
    found: CredentialQuerySet = apps.get_model("credentials", "Credential").objects.all()
    return found
