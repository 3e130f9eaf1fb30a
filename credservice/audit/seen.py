"""Who could have seen a credential: every hand-out, reveal, callback and export of its line, and when each was live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from credservice.credentials.models import Credential

MAX_LINES = 50_000  # of the trail, newest first
MAX_GROUPS = 500
BEFORE = timedelta(hours=1)  # a line's time is its transaction's beginning
# Steps of a credential's life that show its values to nobody. Whatever else there is may have: it is listed.
HARMLESS = (
    *("credential.retiring", "credential.revoking", "credential.revoked", "credential.revoke", "credential.expired"),
    *("credential.failed", "credential.issue", "credential.retried", "credential.suspended", "credential.resumed"),
)

_SIGHTINGS = """
SELECT object_type, object_id, action, actor, source::text, count(*), min(at), max(at), max(id) FROM (
    (SELECT * FROM audit_auditevent WHERE object_id = ANY(%s) AND object_type = 'credential'
        AND outcome IN ('granted', 'done') AND action <> ALL(%s) ORDER BY id DESC LIMIT %s)
    UNION
    (SELECT * FROM audit_auditevent WHERE %s <> '' AND subject = %s AND action LIKE 'callback.%%' AND at >= %s
        AND outcome IN ('granted', 'done') ORDER BY id DESC LIMIT %s)
) AS seen GROUP BY 1, 2, 3, 4, 5 ORDER BY max(at) DESC LIMIT %s
"""


@dataclass(frozen=True)
class Sighting:
    """How often somebody had it in one way from one address. ``line`` is the last of these in the trail."""

    object_type: str
    object_id: str
    action: str
    actor: str
    source: str
    times: int
    first: datetime
    last: datetime
    line: int


@dataclass(frozen=True)
class Life:
    """A credential of the line, and the window in which its values were good; ``until`` is None while they are."""

    credential: Credential
    since: datetime | None
    until: datetime | None


def line_of(credential_id: UUID) -> list[Credential]:
    """The credentials of its line, oldest first; empty where there is no such credential."""
    line = Credential.objects.filter(pk=credential_id).values("line")
    found = Credential.objects.filter(line__in=line).select_related("policy").order_by("created_at", "pk")
    return list(found.defer("sealed_values", "lookup", "value_digests", "handle"))


def life_of(credential: Credential) -> Life:
    ends = [end for end in (credential.ended_at, credential.expires_at, credential.retires_at) if end is not None]
    return Life(credential, credential.activated_at, min(ends, default=None))


def sightings(line: list[Credential]) -> list[Sighting]:
    """Grouped, the latest first. Callbacks to its subject since the line began are among them: they carry values."""
    keys, subject = [str(found.pk) for found in line], line[-1].subject
    since = line[0].created_at - BEFORE
    with connection.cursor() as cursor:
        cursor.execute(_SIGHTINGS, [keys, list(HARMLESS), MAX_LINES, subject, subject, since, MAX_LINES, MAX_GROUPS])
        return [Sighting(*row) for row in cursor.fetchall()]
