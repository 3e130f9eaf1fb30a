"""Tells the kernel of end users as subjects, and of how many installations a rotation touches."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, Q, QuerySet

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from credservice.credentials.models import CredentialPolicy
from exchange.models import EndUser, Grant, Installation
from exchange.services.answer_impact import MAX_LOOKED_AT, Look, answer_each


def installations_of(lines: Collection[UUID]) -> dict[str, int]:
    """Count the installations that are answered: those with a grant of their own, and those that share their end
    user's. One that waits for approval, or is suspended, or anything that it belongs to, gets no answer; nor does one
    whose answer would lack something, which is looked at of no more than ``MAX_LOOKED_AT``."""
    grants = Grant.objects.filter(line__in=lines)
    answered = Installation.objects.filter(
        state=Installation.State.ACTIVE,
        integration__is_active=True,
        end_user__is_active=True,
        platform__is_active=True,
    )
    own = answered.filter(grants__in=grants)
    shared = answered.filter(
        integration__grants__in=grants.filter(installation__isnull=True),
        end_user=F("integration__grants__end_user"),
        grants__isnull=True,
    )
    every = answered.filter(Q(pk__in=own.values("pk")) | Q(pk__in=shared.values("pk")))
    every = every.select_related("end_user", "integration__policy").order_by("-created_at")
    looked_at = list(every[: MAX_LOOKED_AT + 1])
    if len(looked_at) > MAX_LOOKED_AT:
        return {"installations": every.count()}
    return {"installations": sum(answer.fields is not None for answer in answer_each(looked_at, Look()).values())}


def policies_of(line: UUID) -> QuerySet[CredentialPolicy]:
    """Find the policies of the integrations that hand the line out."""
    return CredentialPolicy.objects.filter(integrations__grants__line=line).distinct()


def end_user_subject(key: str) -> Subject | None:
    """Find an end user by our id for ``credservice.credentials.hooks``, locked against a suspension meanwhile."""
    end_user = find_ours(EndUser.objects.select_for_update(no_key=True), key)
    if end_user is None:
        return None
    context = {"end_user": end_user.end_user_id, "external_id": end_user.external_id}
    return Subject(suspended=not end_user.is_active, context=context)
