"""Tells the kernel of end users as subjects, and of how many installations a rotation touches."""

from uuid import UUID

from django.db.models import F, QuerySet

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from credservice.credentials.models import CredentialPolicy
from exchange.models import EndUser, Grant, Installation


def installations_of(line: UUID) -> dict[str, int]:
    """Count the installations with a grant of their own, and those that share their end user's."""
    grants = Grant.objects.filter(line=line)
    own = grants.filter(installation__isnull=False).count()
    shared = Installation.objects.filter(
        integration__grants__in=grants.filter(installation__isnull=True),
        end_user=F("integration__grants__end_user"),
        grants__isnull=True,
    )
    return {"installations": own + shared.distinct().count()}


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
