"""Writes rows that are new or change nothing, whole batches by a few statements. Refuses nothing.

Whatever else a row wants, and whatever may be wrong with it, is left to ``row_writer``, which does one row as the
vendor API does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from credservice.audit import Line, record_many
from credservice.core.exceptions import Invalid
from credservice.core.postgres_copy import copy_rows
from credservice.credentials.bulk_issue import make_first, write_first
from credservice.credentials.models import Credential
from credservice.credentials.reused_values import with_leaked
from exchange.bulk.job import Job, Results
from exchange.bulk.prefetch import Known, look, look_locked
from exchange.bulk.row_parser import GrantRow
from exchange.models import EndUser, Grant, Integration
from exchange.services.end_users import end_user_line
from exchange.services.grants import check_values, context_of, created_line

# Plans made for small tables must not live on while an import makes them large.
_BEGIN = "SET LOCAL plan_cache_mode TO force_custom_plan"
_INSERT = """
INSERT INTO exchange_enduser (id, platform_id, external_id, end_user_id, name, attributes, is_active, created_at)
SELECT *, true, now() FROM json_to_recordset(%s) AS new(
    id uuid, platform uuid, external_id text, end_user_id text, name text, attributes jsonb
) ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(slots=True)
class Addition:
    """Holds what a row adds: a new end user, or grants to one that there is."""

    job: Job
    end_user: EndUser
    is_new: bool
    grants: list[Grant] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)


Verdict = Literal["unchanged", "single"] | Addition


def write_batch(jobs: Sequence[Job], *, actor: str, source: str) -> tuple[Results, list[Job]]:
    """Write what can be written at once, in one transaction with its lines in the trail. Returns what came of those
    rows, and the rows that are left. Each end user comes at most once."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN)
        verdicts = _judge_all(jobs)
        additions = _insert([each for each in verdicts.values() if isinstance(each, Addition)])
        if additions:
            _write(additions, actor, source)
    results: Results = {line: "unchanged" for line, verdict in verdicts.items() if verdict == "unchanged"}
    results |= {each.job.line: "created" if each.is_new else "changed" for each in additions}
    return results, [job for job in jobs if job.line not in results]


def _judge_all(jobs: Sequence[Job]) -> dict[int, Verdict]:
    known = look(jobs)
    verdicts = {job.line: _judge(job, known) for job in jobs}
    known_users = {
        each.end_user.pk: each.job for each in verdicts.values() if isinstance(each, Addition) and not each.is_new
    }
    if known_users:
        # A first exchange may be making the same grant: with the end user locked, it is there or will not be.
        known = look_locked(known, known_users.keys())
        verdicts |= {job.line: _judge(job, known, locked=True) for job in known_users.values()}
    return verdicts | dict.fromkeys(_with_leaked(verdicts), "single")


def _with_leaked(verdicts: Mapping[int, Verdict]) -> set[int]:
    """Find the rows that would bring back a value which was reported as leaked."""
    entered = {
        line: [wanted.values for wanted in verdict.job.row.grants if wanted.values]
        for line, verdict in verdicts.items()
        if isinstance(verdict, Addition) and verdict.credentials
    }
    return with_leaked(entered)


def _judge(job: Job, known: Known, *, locked: bool = False) -> Verdict:
    row, user = job.row, known.users.get(job.key)
    if row.state == "suspended" or (user is None and (locked or row.end_user_id is None)):
        return "single"
    if user is not None and not _is_same(job, user):
        return "single"
    addition = Addition(job, user or _new_user(job), is_new=user is None)
    for wanted in row.grants:
        integration = known.integrations.get((job.platform.pk, wanted.integration_id))
        if integration is None or wanted.installation_id is not None:
            return "single"
        grant = known.grants.get((addition.end_user.pk, integration.pk))
        if grant is None:
            if not _add(addition, integration, wanted, make=locked or user is None):
                return "single"
        elif not _is_kept(known.credentials.get(grant.line, []), addition.end_user, integration, wanted):
            return "single"
    if not (addition.is_new or addition.grants):
        return "unchanged"
    return "single" if job.is_guess else addition


def _is_same(job: Job, user: EndUser) -> bool:
    row = job.row
    return (
        row.end_user_id in (None, user.end_user_id)
        and row.name in (None, user.name)
        and (row.attributes is None or row.attributes == user.attributes)
        and (row.state is None or user.is_active)
    )


def _is_kept(found: list[Credential], user: EndUser, integration: Integration, wanted: GrantRow) -> bool:
    """Check that a grant is as it should be: its active credential is the user's, and has the values wanted."""
    credential = next((each for each in found if each.state == Credential.State.ACTIVE and each.is_usable()), None)
    if credential is None or credential.policy_id != integration.policy_id or credential.subject != user.subject:
        return False
    try:
        check_values(integration.policy, wanted.values)
    except (Invalid, ImproperlyConfigured):
        return False
    return wanted.values is None or credential.open() == wanted.values


def _new_user(job: Job) -> EndUser:
    row = job.row
    return EndUser(
        platform_id=job.platform.pk,  # the object itself costs more to set than all the rest
        external_id=row.external_id,
        end_user_id=row.end_user_id or "",
        name=row.name or "",
        attributes=row.attributes or {},
    )


def _add(addition: Addition, integration: Integration, wanted: GrantRow, *, make: bool) -> bool:
    """Add a grant; False where that cannot be done here. ``make`` is false where the end user is yet to be locked."""
    user, policy = addition.end_user, integration.policy
    grant = Grant(integration_id=integration.pk, end_user_id=user.pk)
    addition.grants.append(grant)
    try:
        check_values(policy, wanted.values)
        if not policy.backend().local:
            return False
        if make:
            credential = make_first(
                policy=policy,
                context=context_of(integration, user, None),
                subject=user.subject,
                entered=wanted.values,
                suspended=not user.is_active,
            )
            grant.line = credential.line
            addition.credentials.append(credential)
    except (Invalid, ImproperlyConfigured):
        return False
    return True


def _insert(additions: list[Addition]) -> list[Addition]:
    """Insert the new end users. Returns the additions without those whose ids somebody else has by now."""
    new = [each.end_user for each in additions if each.is_new]
    if not new:
        return additions
    # In one order, after every lock: so two imports that meet wait for each other only one way.
    new.sort(key=lambda each: (each.platform_id, each.external_id))
    rows = [
        {
            "id": each.pk.hex,
            "platform": each.platform_id.hex,
            "external_id": each.external_id,
            "end_user_id": each.end_user_id,
            "name": each.name,
            "attributes": each.attributes,
        }
        for each in new
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [json.dumps(rows)])
        inserted: set[UUID] = {pk for (pk,) in cursor.fetchall()}
    return [each for each in additions if not each.is_new or each.end_user.pk in inserted]


def _write(additions: Sequence[Addition], actor: str, source: str) -> None:
    grants = [grant for each in additions for grant in each.grants]
    credentials = [credential for each in additions for credential in each.credentials]
    write_first(credentials, actor=actor)
    copy_rows(grants)
    lines = [
        end_user_line("end_user.created", each.end_user, actor, _fields(each.job)) for each in additions if each.is_new
    ]
    lines += [created_line(grant, credential, actor) for grant, credential in zip(grants, credentials, strict=True)]
    record_many([*lines, _batch_line(additions, actor, source, len(grants))])


def _fields(job: Job) -> list[str]:
    return [name for name in ("attributes", "name") if getattr(job.row, name) is not None]


def _batch_line(additions: Sequence[Addition], actor: str, source: str, grants: int) -> Line:
    """Record which lines of which file these came from."""
    numbers = [each.job.line for each in additions]
    made = {"end_users": sum(each.is_new for each in additions), "grants": grants}
    detail = {"first_line": min(numbers), "last_line": max(numbers), **made}
    return Line("import.committed", actor, object_type="import", object_id=source, detail=detail)
