"""Reads what the database has of a batch's rows already: a few statements for all of them.

Lists go to PostgreSQL as arrays: one parameter however many there are, and one prepared statement.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from credservice.credentials.models import Credential
from exchange.bulk.job import Job
from exchange.models import EndUser, Grant, Integration

_USERS = "SELECT * FROM exchange_enduser WHERE platform_id = %s AND external_id = ANY(%s)"
# In one order, whoever locks: see exchange.services.first_exchange for what else takes this lock.
_LOCK = "SELECT * FROM exchange_enduser WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_GRANTS = "SELECT * FROM exchange_grant WHERE end_user_id = ANY(%s) AND installation_id IS NULL"
_CREDENTIALS = """
SELECT id, policy_id, line, subject, state, sealed_values, expires_at, retires_at FROM credentials_credential
WHERE line = ANY(%s) AND state IN ('pending', 'active')
"""


@dataclass(frozen=True)
class Known:
    """End users by platform and external id; grants that are no installation's own, by end user and integration; what
    is active or pending of each line."""

    integrations: dict[tuple[UUID, str], Integration]
    users: dict[tuple[UUID, str], EndUser]
    grants: dict[tuple[UUID, UUID], Grant]
    credentials: dict[UUID, list[Credential]]


def look(jobs: Sequence[Job]) -> Known:
    by_platform: defaultdict[UUID, list[str]] = defaultdict(list)
    for job in jobs:
        by_platform[job.platform.pk].append(job.row.external_id)
    users = [user for platform, names in by_platform.items() for user in EndUser.objects.raw(_USERS, [platform, names])]
    with_grants = {job.key for job in jobs if job.row.grants}
    return _known(_integrations(jobs), users, [user.pk for user in users if _key(user) in with_grants])


def look_locked(known: Known, users: Collection[UUID]) -> Known:
    """Read these end users as they are now, locked until the transaction ends, and what they are granted."""
    locked = list(EndUser.objects.raw(_LOCK, [list(users)]))
    return _known(known.integrations, locked, [user.pk for user in locked])


def _known(integrations: Any, users: list[EndUser], granted: list[UUID]) -> Known:
    grants = list(Grant.objects.raw(_GRANTS, [granted])) if granted else []
    credentials: defaultdict[UUID, list[Credential]] = defaultdict(list)
    if grants:
        for each in Credential.objects.raw(_CREDENTIALS, [[grant.line for grant in grants]]):
            credentials[each.line].append(each)
    return Known(
        integrations,
        {_key(user): user for user in users},
        {(grant.end_user_id, grant.integration_id): grant for grant in grants},
        credentials,
    )


def _integrations(jobs: Sequence[Job]) -> dict[tuple[UUID, str], Integration]:
    names = {grant.integration_id for job in jobs for grant in job.row.grants}
    platforms = {job.platform.pk for job in jobs}
    found = Integration.objects.filter(platform__in=platforms, integration_id__in=names).select_related("policy")
    return {(each.platform_id, each.integration_id): each for each in found} if names else {}


def _key(user: EndUser) -> tuple[UUID, str]:
    return user.platform_id, user.external_id
