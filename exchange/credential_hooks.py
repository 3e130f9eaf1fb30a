"""Tells the kernel of end users as subjects, and of how many installations a rotation touches."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, QuerySet

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from credservice.credentials.models import CredentialPolicy
from exchange.models import EndUser, Grant, Installation


def installations_of(lines: Collection[UUID]) -> dict[str, int]:
    """Count the installations that are answered: those with a grant of their own, and those that share their end
    user's. One that waits for approval, or is suspended, or anything that it belongs to, gets no answer."""
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
    return {"installations": own.count() + shared.distinct().count()}


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
