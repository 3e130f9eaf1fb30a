"""Finds who could have seen a credential: each hand-out, reveal, callback and export of its line, while it was live."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy

MAX_LINES = 50_000  # of the trail, newest first
MAX_GROUPS = 500
BEFORE = timedelta(hours=1)  # a line's time is its transaction's beginning
ISSUED = "credential.issued"
# Steps of a credential's life that show its values to nobody. Whatever else there is may have: it is listed.
HARMLESS = (
    *("credential.retiring", "credential.revoking", "credential.revoked", "credential.revoke", "credential.expired"),
    *(
        "credential.erased",
        "credential.end_confirmed",
        "credential.failed",
        "credential.issue",
        "credential.leak_noted",
        "credential.retried",
        "credential.rotation_started",
        "credential.suspended",
        "credential.resumed",
        "credential.surplus_ended",
        "credential.values_in_doubt",
    ),
    *("callback.closed", "callback.erased", "callback.expired", "callback.resent"),
)

_SIGHTINGS = """
SELECT object_type, object_id, action, actor, host(source), count(*), min(at), max(at), max(id),
    detail ? 'simulated' FROM (
    (SELECT * FROM audit_auditevent WHERE object_id = ANY(%s) AND object_type = 'credential'
        AND outcome IN ('granted', 'done') AND action <> ALL(%s)
        AND NOT (action = %s AND object_id = ANY(%s)) ORDER BY id DESC LIMIT %s)
    UNION
    (SELECT * FROM audit_auditevent WHERE %s <> '' AND subject = %s AND action LIKE 'callback.%%' AND at >= %s
        AND action <> ALL(%s) AND outcome IN ('granted', 'done') ORDER BY id DESC LIMIT %s)
) AS seen GROUP BY 1, 2, 3, 4, 5, 10 ORDER BY max(id) DESC LIMIT %s
"""

_SEEN = """
SELECT object_type, object_id, action, actor, host(source), count(*), min(at), max(at), max(id),
    detail ? 'simulated' FROM (
    SELECT * FROM audit_auditevent WHERE id = ANY(%s)
) AS seen GROUP BY 1, 2, 3, 4, 5, 10 ORDER BY max(id) DESC LIMIT %s
"""


@dataclass(frozen=True)
class Sighting:
    """Somebody who had it, so many times in one way from one address. ``line`` is the last of these in the trail.

    ``simulated``: the call was this service's own, in the name of a platform.
    """

    object_type: str
    object_id: str
    action: str
    actor: str
    source: str
    times: int
    first: datetime
    last: datetime
    line: int
    simulated: bool

    @property
    def thing(self) -> str:
        return f"{self.object_type}:{self.object_id}"


@dataclass(frozen=True)
class Life:
    """A credential of the line, and the window in which its values were good; ``until`` is None while they are."""

    credential: Credential
    since: datetime | None
    until: datetime | None


def line_of(credential_id: UUID) -> list[Credential]:
    """Find the credentials of its line, oldest first; empty where there is no such credential."""
    line = Credential.objects.filter(pk=credential_id).values("line")
    found = Credential.objects.filter(line__in=line).select_related("policy").order_by("created_at", "pk")
    return list(found.defer("sealed_values", "lookup", "value_digests"))


def life_of(credential: Credential) -> Life:
    """Find the window in which it was good; without an end where it may still work outside."""
    if expiry := credential.expiry_outside():
        return Life(credential, credential.activated_at, expiry)
    if credential.is_still_outside():
        return Life(credential, credential.activated_at, None)
    ends = [end for end in (credential.ended_at, credential.expires_at, credential.retires_at) if end is not None]
    return Life(credential, credential.activated_at, min(ends, default=None))


def sightings(line: list[Credential]) -> list[Sighting]:
    """Find all, grouped, the latest first. Callbacks to its subject since the line began are among them: they carry
    values."""
    keys, subject = [str(found.pk) for found in line], line[-1].subject
    unseen, harmless = [str(found.pk) for found in line if found.policy.backend().generates], list(HARMLESS)
    since = line[0].created_at - BEFORE
    with connection.cursor() as cursor:
        own: list[Any] = [keys, harmless, ISSUED, unseen, MAX_LINES]
        callbacks: list[Any] = [subject, subject, since, harmless, MAX_LINES]
        cursor.execute(_SIGHTINGS, [*own, *callbacks, MAX_GROUPS])
        return [Sighting(*row) for row in cursor.fetchall()]


def events_of(subjects: Collection[str], since: datetime, until: datetime) -> QuerySet[AuditEvent]:
    """Find the lines of all hand-outs, reveals and callbacks of these subjects' credentials, from one time to another.

    By the index of subjects, and by the months of the log that the times are in.
    """
    shown = Q(object_type="credential") | Q(action__startswith="callback.")
    of_them = AuditEvent.objects.filter(subject__in=list(subjects), at__gte=since, at__lt=until)
    seen = of_them.filter(shown, outcome__in=("granted", "done")).exclude(action__in=HARMLESS)
    return seen.exclude(action=ISSUED, object_id__in=_made_unseen(subjects))


def _made_unseen(subjects: Collection[str]) -> QuerySet[Credential, Any]:
    """Find what an issuer made: whoever had it made was not shown it."""
    generating = [policy.pk for policy in CredentialPolicy.objects.only("issuer") if policy.backend().generates]
    made = Credential.objects.filter(subject__in=list(subjects), policy__in=generating)
    return made.annotate(key=Cast("pk", TextField())).values("key")


def sightings_of(subjects: Collection[str], since: datetime, until: datetime) -> list[Sighting]:
    """Group those, the latest first."""
    newest = list(events_of(subjects, since, until).order_by("-pk").values_list("pk", flat=True)[:MAX_LINES])
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [newest, MAX_GROUPS])
        return [Sighting(*row) for row in cursor.fetchall()]
