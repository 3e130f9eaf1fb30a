"""What belongs to resources and their credentials."""

from collections.abc import Iterator, Sequence

from credservice.console.links import link_to
from credservice.console.related import ROWS, Card, cards, list_of, minute, trail
from credservice.credentials.admin.related import credentials_card
from credservice.credentials.models import Credential
from provisioning.models import Resource, ResourceCredential, UsageHour


def resource_credentials_card(title: str = "Resource credentials", link: str = "", **where: object) -> Card:
    found = ResourceCredential.objects.filter(**where).select_related("resource", "credential__policy")
    heads = ("Credential id", "Resource", "First credential", "Added (UTC)", "Ended (UTC)")
    return Card(title, heads, found.order_by("-created_at")[:ROWS], _resource_credential, link)


def _resource_credential(row: ResourceCredential) -> Sequence[object]:
    dates = minute(row.created_at), minute(row.deprovisioned_at)
    return link_to(row), link_to(row.resource), link_to(row.credential), *dates


def usage_card(resource: Resource) -> Card:
    found = UsageHour.objects.filter(resource=resource).select_related("feature").order_by("-hour")[:ROWS]
    link = list_of(UsageHour, resource__id__exact=resource.pk)
    return Card("Usage by the hour", ("Hour (UTC)", "Feature", "Quantity"), found, _usage, link, "None reported yet.")


def _usage(row: UsageHour) -> Sequence[object]:
    return link_to(row, minute(row.hour)), row.feature, f"{row.quantity:,}"


@cards(Resource)
def of_a_resource(obj: Resource) -> Iterator[Card]:
    yield resource_credentials_card(link=list_of(ResourceCredential, resource__id__exact=obj.pk), resource=obj)
    yield credentials_card(subject=obj.subject)
    yield usage_card(obj)
    yield trail(subject=obj.subject)


@cards(ResourceCredential)
def of_a_resource_credential(obj: ResourceCredential) -> Iterator[Card]:
    yield credentials_card("Credentials of its line, newest first", line=obj.credential.line)
    yield trail(object_id=str(obj.pk))


@cards(Credential)
def ordered(obj: Credential) -> Iterator[Card]:
    """Only of those that belong to a resource: others are no marketplace's."""
    if obj.subject.startswith("resource:"):
        yield resource_credentials_card("Ordered by a marketplace as", credential__line=obj.line)
