"""The exchange's reads, in SQL.

An exchange has a budget of three database round trips: the two reads here and the audit line. Building the same joins
with the ORM costs more than PostgreSQL needs to answer them; as constant texts they are prepared once a connection.
Nothing is kept between requests, so that a suspension or a retired secret counts at once.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from exchange.serializers import ExchangeIds
from exchange.signing import Profile

_PLATFORM = """
SELECT p.id, p.name, p.is_active, p.require_signature, p.ids_from_query, p.single_use_signatures,
       p.approve_installations, p.requests_per_minute, p.source_networks, p.construction, p.timestamp_header,
       p.signed_path, p.public_prefix, p.lower_case_method, p.tolerance_seconds, s.id, s.sealed
FROM exchange_platform p
LEFT JOIN keys_signingsecret s ON s.secret_set_id = p.secrets_id
    AND s.state IN ('current', 'previous') AND (s.ends_at IS NULL OR s.ends_at > now())
WHERE p.name = %s OR (p.is_default AND %s = '')
ORDER BY s.state, s.created_at DESC
"""

# The narrower grant decides, also where its credential has ended. Of a line: what is usable, the active one before a
# retiring one; else one that is still to be made.
_EXCHANGE = """
SELECT i.id, i.is_active, i.policy_id, i.response_shape, e.id, e.is_active, e.external_id, e.attributes,
       n.id, n.state, n.integration_id = i.id AND n.end_user_id = e.id, n.attributes,
       coalesce(gn.line, ge.line), c.id, c.usable, c.due, c.suspended, c.sealed_values
FROM (SELECT %s::uuid AS platform) p
LEFT JOIN exchange_integration i ON i.platform_id = p.platform AND i.integration_id = %s
LEFT JOIN exchange_enduser e ON e.platform_id = p.platform AND e.end_user_id = %s
LEFT JOIN exchange_installation n ON n.platform_id = p.platform AND n.installation_id = %s
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
    SELECT id, sealed_values, suspended,
        state <> 'pending' AND sealed_values IS NOT NULL
            AND coalesce(expires_at > now(), true) AND coalesce(retires_at > now(), true) AS usable,
        state = 'active' AND coalesce(least(refresh_at, expires_at) <= now(), false) AS due
    FROM credentials_credential
    WHERE line = coalesce(gn.line, ge.line) AND state IN ('active', 'retiring', 'pending')
    ORDER BY usable DESC, state, created_at DESC
    LIMIT 1
) c ON true
"""

# One signature is good for any body inside the tolerance (protocol notes, MindCloud). Honest runs within one
# second share one as well: this is for a person to look at, not for a refusal.
_REUSED = """
SELECT actor, detail->>'signature', count(DISTINCT detail->>'body'), count(*), min(at), max(at)
FROM audit_auditevent
WHERE action = 'exchange.credential' AND at >= %s AND actor LIKE 'platform:%%' AND detail ? 'signature'
GROUP BY 1, 2 HAVING count(DISTINCT detail->>'body') > 1
ORDER BY 6 DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class PlatformRow:
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
    secrets: list[tuple[UUID, bytes]] = field(repr=False)


class ExchangeRow(NamedTuple):
    """What three ids name; ``None`` where they name nothing. ``belongs``: the installation is of these other two."""

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
    usable: bool | None
    due: bool | None  # a successor should be made first
    suspended: bool | None
    sealed_values: bytes


@dataclass(frozen=True)
class ReusedSignature:
    """One signature that came with several bodies."""

    actor: str
    signature: str
    bodies: int
    requests: int
    first_at: datetime
    last_at: datetime


def find_platform(name: str) -> PlatformRow | None:
    """The platform of this name; of the empty name, the default one.

    The first statement of an exchange: where it finds its connection dead (the database was restarted since the last
    request), it is tried once more on a new one.
    """
    try:
        rows = _rows(_PLATFORM, [name, name])
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        rows = _rows(_PLATFORM, [name, name])
    if not rows:
        return None
    row = rows[0]
    return PlatformRow(
        id=row[0],
        name=row[1],
        is_active=row[2],
        require_signature=row[3],
        ids_from_query=row[4],
        single_use_signatures=row[5],
        approve_installations=row[6],
        requests_per_minute=row[7],
        source_networks=tuple(json.loads(row[8])),
        profile=Profile(*row[9:15]),
        secrets=[(secret_id, sealed) for *_, secret_id, sealed in rows if secret_id is not None],
    )


def find_exchange(platform: UUID, ids: ExchangeIds) -> ExchangeRow:
    """Integration, end user, installation, grant and credential of these ids, in one statement."""
    return ExchangeRow._make(_rows(_EXCHANGE, [platform, ids.integration, ids.end_user, ids.installation])[0])


def signatures_with_several_bodies(since: datetime, limit: int = 100) -> list[ReusedSignature]:
    """Verified signatures since ``since`` that came with more than one body, the latest first."""
    return [ReusedSignature(*row) for row in _rows(_REUSED, [since, limit])]


def _rows(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
