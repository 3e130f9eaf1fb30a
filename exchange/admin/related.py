"""What belongs to end users, installations, integrations and grants; and whom a credential is handed out to."""

from collections.abc import Iterator, Sequence
from typing import Any

from credservice.console.labels import label
from credservice.console.links import link_to
from credservice.console.related import ROWS, Card, cards, list_of, minute, trail
from credservice.credentials.admin.related import credentials_card
from credservice.credentials.models import Credential, CredentialPolicy
from exchange.models import EndUser, Grant, Installation, Integration, Platform


def installations_card(**where: Any) -> Card:
    found = Installation.objects.filter(**where).select_related("integration", "end_user").order_by("-created_at")
    heads = ("Installation", "State", "Integration", "End user", "Added (UTC)")
    link = list_of(Installation, **{f"{name}__id__exact": obj.pk for name, obj in where.items()})
    empty = "None yet: the first exchange records it."
    return Card("Installations", heads, found[:ROWS], _installation, link, empty)


def _installation(row: Installation) -> Sequence[object]:
    parties = link_to(row.integration), link_to(row.end_user)
    return link_to(row), label(row.state), *parties, minute(row.created_at)


def grants_card(title: str = "Grants", link: str = "", empty: str = "None yet.", **where: Any) -> Card:
    found = Grant.objects.filter(**where).select_related("integration", "end_user", "installation")
    heads = ("Grant", "Integration", "End user", "For", "Added (UTC)")
    return Card(title, heads, found.order_by("-created_at")[:ROWS], _grant, link, empty)


def _grant(row: Grant) -> Sequence[object]:
    scope = link_to(row.installation) if row.installation else "all installations"
    return link_to(row), link_to(row.integration), link_to(row.end_user), scope, minute(row.created_at)


def integrations_card(title: str, **where: Any) -> Card:
    found = Integration.objects.filter(**where).select_related("platform", "policy").order_by("integration_id")[:ROWS]
    heads = ("Integration", "integrationId", "Platform", "Policy")
    link = list_of(Integration, **{f"{name}__id__exact": obj.pk for name, obj in where.items()})
    return Card(title, heads, found, _integration, link)


def _integration(row: Integration) -> Sequence[object]:
    return link_to(row), row.integration_id, link_to(row.platform), link_to(row.policy)


@cards(EndUser)
def of_an_end_user(obj: EndUser) -> Iterator[Card]:
    yield installations_card(end_user=obj)
    yield grants_card(link=list_of(Grant, end_user__id__exact=obj.pk), end_user=obj)
    yield credentials_card(subject=obj.subject)
    yield trail(subject=obj.subject)


@cards(Installation)
def of_an_installation(obj: Installation) -> Iterator[Card]:
    """The narrower grant decides where there is one; the end user's is shown beside it."""
    yield grants_card("Its own grant", installation=obj)
    yield grants_card(
        "Grant of its end user", end_user=obj.end_user_id, integration=obj.integration_id, installation=None
    )
    yield trail(object_id=str(obj.pk))
    yield trail("Trail of its end user", subject=f"end_user:{obj.end_user_id}")


@cards(Integration)
def of_an_integration(obj: Integration) -> Iterator[Card]:
    yield installations_card(integration=obj)
    yield trail(object_id=str(obj.pk))


@cards(Platform)
def of_a_platform(obj: Platform) -> Iterator[Card]:
    yield integrations_card("Integrations", platform=obj)
    yield trail(object_id=str(obj.pk))


@cards(Grant)
def of_a_grant(obj: Grant) -> Iterator[Card]:
    yield credentials_card("Credentials of its line, newest first", line=obj.line)
    yield trail(object_id=str(obj.pk))


@cards(Credential)
def handing_out(obj: Credential) -> Iterator[Card]:
    yield grants_card("Grants that hand it out", empty="None: no exchange hands it out.", line=obj.line)


@cards(CredentialPolicy)
def using(obj: CredentialPolicy) -> Iterator[Card]:
    yield integrations_card("Integrations that use it", policy=obj)
