"""Writes one row as the vendor API does it: everything that is no plain addition, and every refusal."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction

from credservice.core.exceptions import Conflict, NotFound, ServiceError
from exchange.bulk.job import GrantRefused, Job
from exchange.bulk.row_parser import GrantRow
from exchange.lookups import find_installation, find_integration, refuse_unnamed, refuse_unnamed_for
from exchange.models import EndUser, Installation, Integration, Platform
from exchange.services.end_users import Outcome, resume_end_user, suspend_end_user, upsert_end_user
from exchange.services.grants import put_grant

M = TypeVar("M")


def put_row(job: Job, *, actor: str, accept_changed_answers: bool = False) -> Outcome:
    """See to it that the end user and its grants are as the row says: all of it, or nothing.

    Raises :class:`ServiceError` or :class:`GrantRefused`.
    """
    row = job.row
    try:
        with transaction.atomic():
            if job.is_guess:
                refuse_unnamed_for(None, job.platform, row.external_id, "/platform")
            end_user, outcome = upsert_end_user(
                platform=job.platform,
                external_id=row.external_id,
                actor=actor,
                end_user_id=row.end_user_id,
                name=row.name,
                attributes=row.attributes,
                accept_changed_answers=accept_changed_answers,
            )
            outcomes = {outcome, _switch(end_user, row.state, actor)}
            outcomes |= {_put_grant(job, end_user, index, actor) for index in range(len(row.grants))}
            if job.is_guess and "created" in outcomes:  # a grant, of an end user who is there
                refuse_unnamed(None, "/platform")
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
    integration = _named(find_integration, job, index, "integration_id", wanted.integration_id)
    name = wanted.installation_id
    installation = None if name is None else _named(find_installation, job, index, "installation_id", name)
    try:
        return _put(end_user, integration, installation, wanted, actor)
    except ServiceError as error:
        raise GrantRefused(index, error) from None
    except ImproperlyConfigured:
        raise GrantRefused(index, Conflict("The settings lack the issuer of this integration's policy.")) from None


def _named(find: Callable[[Platform, str], M], job: Job, index: int, field: str, name: str) -> M:
    try:
        return find(job.platform, name)
    except NotFound as error:
        blank = "" if name == name.strip() else " The id begins or ends with a blank."
        raise GrantRefused(index, NotFound(f"{error.message}{blank}"), f"/{field}") from None


def _put(
    end_user: EndUser, integration: Integration, installation: Installation | None, wanted: GrantRow, actor: str
) -> Outcome:
    seconds = wanted.overlap_seconds
    _, _, outcome = put_grant(
        integration=integration,
        end_user=end_user,
        installation=installation,
        values=wanted.values,
        actor=actor,
        overlap=None if seconds is None else timedelta(seconds=seconds),
    )
    return outcome
