"""Reads what an exchange needs, in SQL.

An exchange has a budget of two database round trips: the look-up here and the audit line. Building the same joins with
the ORM costs more than PostgreSQL needs to answer them; as a constant text they are prepared once a connection.
Nothing is kept between requests, so that a suspension or a retired secret counts at once.
"""

import json
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from credservice.core.hot_statements import HotStatement
from exchange.serializers import ExchangeIds
from exchange.signatures.verify import Profile

# A row for each live secret. LIMIT keeps the order of the look-ups, each by its whole key from
# the platform on, however small the tables are when a connection plans the statement. Of the grants, the narrower one
# decides, also where its credential has ended. Of a line: what is usable, the active one before a retiring one; else
# one that is still to be made.
_EXCHANGE = HotStatement(
    "exchange",
    """
SELECT p.id, p.name, p.is_active, p.require_signature, p.ids_from_query, p.single_use_signatures,
       p.approve_installations, p.requests_per_minute, p.source_networks::text, p.construction, p.timestamp_header,
       p.signed_path, p.public_prefix, p.lower_case_method, p.tolerance_seconds, p.secrets_id, s.id, s.sealed,
       i.id, i.is_active, i.policy_id, i.response_shape::text, e.id, e.is_active, e.external_id, e.attributes::text,
       n.id, n.state, n.integration_id = i.id AND n.end_user_id = e.id, n.attributes::text,
       coalesce(gn.line, ge.line), c.id, c.subject, c.usable, c.due, c.suspended, c.sealed_values, s.state
FROM exchange_platform p
LEFT JOIN keys_signingsecret s ON s.secret_set_id = p.secrets_id
    AND s.state IN ('current', 'previous') AND (s.ends_at IS NULL OR s.ends_at > now())
LEFT JOIN LATERAL (
    SELECT i.id, i.is_active, i.policy_id, i.response_shape
    FROM exchange_integration i WHERE i.platform_id = p.id AND i.integration_id = $2 LIMIT 1
) i ON true
LEFT JOIN LATERAL (
    SELECT e.id, e.is_active, e.external_id, e.attributes
    FROM exchange_enduser e WHERE e.platform_id = p.id AND e.end_user_id = $3 LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT n.id, n.state, n.integration_id, n.end_user_id, n.attributes
    FROM exchange_installation n WHERE n.platform_id = p.id AND n.installation_id = $4 LIMIT 1
) n ON true
LEFT JOIN LATERAL (
    SELECT line FROM exchange_grant
    WHERE installation_id = n.id AND integration_id = i.id AND end_user_id = e.id
    LIMIT 1
) gn ON true
LEFT JOIN LATERAL (
    SELECT line FROM exchange_grant
    WHERE installation_id IS NULL AND integration_id = i.id AND end_user_id = e.id
    LIMIT 1
) ge ON true
LEFT JOIN LATERAL (
    SELECT id, subject, sealed_values, suspended,
        state <> 'pending' AND sealed_values IS NOT NULL
            AND coalesce(expires_at > now(), true) AND coalesce(retires_at > now(), true) AS usable,
        state = 'active' AND coalesce(least(refresh_at, expires_at) <= now(), false) AS due
    FROM credentials_credential
    WHERE line = coalesce(gn.line, ge.line) AND state IN ('active', 'retiring', 'pending')
    ORDER BY usable DESC, state, created_at DESC
    LIMIT 1
) c ON true
WHERE p.name = $1 OR (p.is_default AND $1 = '')
""",
)

# One signature is good for any body inside the tolerance (protocol notes, MindCloud). Honest runs within one
# second share one as well: this is for a person to look at, not for a refusal.
_REUSED = """
SELECT actor, detail->>'signature', count(DISTINCT detail->>'body'), count(*), min(at), max(at)
FROM audit_auditevent
WHERE action = 'exchange.credential' AND at >= %s AND actor LIKE 'platform:%%' AND detail ? 'signature'
GROUP BY 1, 2 HAVING count(DISTINCT detail->>'body') > 1
ORDER BY 6 DESC LIMIT %s
"""


class PlatformRow(NamedTuple):
    """A platform as the door needs it, with its live secrets, still sealed, the current one first."""

    id: UUID
    name: str
    is_active: bool
    require_signature: bool
    ids_from_query: bool
    single_use_signatures: bool
    approve_installations: bool
    requests_per_minute: int | None
    source_networks: tuple[str, ...]
    profile: Profile
    secret_set: UUID
    secrets: list[tuple[UUID, bytes]]

    def __repr__(self) -> str:
        return f"<PlatformRow {self.name}>"  # no log is to have the secrets, sealed or not


class ExchangeRow(NamedTuple):
    """The rows that three ids name; ``None`` where there is none. ``belongs``: the installation is of the other two."""

    integration: UUID | None
    integration_active: bool | None
    policy: UUID | None
    response_shape: str
    end_user: UUID | None
    end_user_active: bool | None
    external_id: str
    end_user_attributes: str
    installation: UUID | None
    installation_state: str | None
    belongs: bool | None
    installation_attributes: str
    line: UUID | None
    credential: UUID | None
    subject: str | None  # whose the credential is
    usable: bool | None
    due: bool | None  # a successor should be made first
    suspended: bool | None
    sealed_values: bytes

    @property
    def owner(self) -> str:
        """Name the end user as credentials name whose they are."""
        return f"end_user:{self.end_user}"


class Parties(NamedTuple):
    """Our keys of an integration and an end user that are known and active."""

    integration: UUID
    end_user: UUID


class ReusedSignature(NamedTuple):
    """One signature that came with several bodies."""

    actor: str
    signature: str
    bodies: int
    requests: int
    first_at: datetime
    last_at: datetime


class Found(NamedTuple):
    """Holds what one look-up finds for an exchange."""

    platform: PlatformRow
    row: ExchangeRow


_profile = lru_cache(maxsize=256)(Profile)  # the same few again and again, and never changed


@lru_cache(maxsize=256)
def _networks(text: str) -> tuple[str, ...]:
    """Read a platform's networks: the same text again and again."""
    return tuple(json.loads(text))


def find_exchange(platform: str, ids: ExchangeIds | None) -> Found | None:
    """Find the platform of this name (of the empty name, the default one), and all that the ids of a request name.

    Returns None where there is no such platform.
    """
    wanted = (ids.integration, ids.end_user, ids.installation) if ids else (None, None, None)
    rows = _EXCHANGE.rows(platform, *wanted)
    if not rows:
        return None
    row = rows[0]
    # The current one before the previous ones: most signatures are made with it.
    secrets = [(row[16], row[17]) for row in sorted(rows, key=itemgetter(-1)) if row[16] is not None]
    known = PlatformRow._make([*row[:8], _networks(row[8]), _profile(*row[9:15]), row[15], secrets])
    return Found(known, ExchangeRow._make(row[18:-1]))


def signatures_with_several_bodies(since: datetime, limit: int = 100) -> list[ReusedSignature]:
    """Find verified signatures since ``since`` that came with more than one body, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(_REUSED, [since, limit])
        return [ReusedSignature(*row) for row in cursor.fetchall()]
