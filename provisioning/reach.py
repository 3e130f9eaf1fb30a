"""How many of the marketplace's credentials a line is: what a rotation's preview tells."""

from uuid import UUID

from provisioning.models import ResourceCredential


def resource_credentials_of(line: UUID) -> dict[str, int]:
    bound = ResourceCredential.objects.filter(credential__line=line, deprovisioned_at__isnull=True)
    return {"marketplace credentials": bound.count()}
