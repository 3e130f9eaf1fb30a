"""One row as the vendor API does it: everything that is no plain addition, and every refusal."""

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction

from credservice.exceptions import Conflict, ServiceError
from exchange.bulk.job import GrantRefused, Job
from exchange.bulk.rows import GrantRow
from exchange.granting import put_grant
from exchange.lookups import find_installation, find_integration
from exchange.models import EndUser
from exchange.registration import Outcome, resume_end_user, suspend_end_user, upsert_end_user


def put_row(job: Job, *, actor: str) -> Outcome:
    """See to it that the end user and its grants are as the row says: all of it, or nothing.

    Raises :class:`ServiceError` or :class:`GrantRefused`.
    """
    row = job.row
    try:
        with transaction.atomic():
            end_user, outcome = upsert_end_user(
                platform=job.platform,
                external_id=row.external_id,
                actor=actor,
                end_user_id=row.end_user_id,
                name=row.name,
                attributes=row.attributes,
            )
            outcomes = {outcome, _switch(end_user, row.state, actor)}
            outcomes |= {_put_grant(job, end_user, index, actor) for index in range(len(row.grants))}
    except IntegrityError:
        raise Conflict("Somebody else changed the same in this moment. Send the row again.") from None
    if outcome == "created":
        return outcome
    return "unchanged" if outcomes == {"unchanged"} else "changed"


def _switch(end_user: EndUser, state: str | None, actor: str) -> Outcome:
    if state is None or (state == "active") == end_user.is_active:
        return "unchanged"
    (resume_end_user if state == "active" else suspend_end_user)(end_user=end_user, actor=actor, why="import")
    return "changed"


def _put_grant(job: Job, end_user: EndUser, index: int, actor: str) -> Outcome:
    wanted = job.row.grants[index]
    try:
        return _put(job, end_user, wanted, actor)
    except ServiceError as error:
        raise GrantRefused(index, error) from None
    except ImproperlyConfigured:
        raise GrantRefused(index, Conflict("The settings lack the issuer of this integration's policy.")) from None


def _put(job: Job, end_user: EndUser, wanted: GrantRow, actor: str) -> Outcome:
    name, seconds = wanted.installation_id, wanted.overlap_seconds
    _, _, outcome = put_grant(
        integration=find_integration(job.platform, wanted.integration_id),
        end_user=end_user,
        installation=None if name is None else find_installation(job.platform, name),
        values=wanted.values,
        actor=actor,
        overlap=None if seconds is None else timedelta(seconds=seconds),
    )
    return outcome
