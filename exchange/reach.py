"""How many installations are handed a line of credentials: what a rotation's preview tells."""

from uuid import UUID

from django.db.models import F

from exchange.models import Grant, Installation


def installations_of(line: UUID) -> dict[str, int]:
    """The installations with a grant of their own, and those that share their end user's."""
    grants = Grant.objects.filter(line=line)
    own = grants.filter(installation__isnull=False).count()
    shared = Installation.objects.filter(
        integration__grants__in=grants.filter(installation__isnull=True),
        end_user=F("integration__grants__end_user"),
        grants__isnull=True,
    )
    return {"installations": own + shared.distinct().count()}
