"""Shows what belongs to each object of the exchange, and whom a credential is handed out to."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.utils.html import format_html

from credservice.adminkit.cards import ROWS, Card, cards, trail
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_url
from credservice.adminkit.moments import moment
from credservice.credentials.admin.related import credentials_card, hand_outs, version_link
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.keys.admin import trail_with_secrets
from exchange.admin.customers import identities, with_shown
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.services.grants import usable_of


def installations_card(**where: Any) -> Card:
    """Show installations; those of one customer without naming it in each row."""
    found = Installation.objects.filter(**where).select_related("integration", "end_user").order_by("-created_at")
    of_one = "end_user" in where
    heads = ("Installation", "State", "Integration", *(() if of_one else ("Customer",)), "Added")
    link = list_url(Installation, **{f"{name}__id__exact": obj.pk for name, obj in where.items()})
    empty = "None yet: the first exchange records it."
    return Card("Installations", heads, found[:ROWS], _installation_of_one if of_one else _installation, link, empty)


def _installation(row: Installation) -> Sequence[object]:
    parties = link_to(row.integration), link_to(row.end_user)
    return link_to(row), label(row.state), *parties, moment(row.created_at)


def _installation_of_one(row: Installation) -> Sequence[object]:
    return link_to(row), label(row.state), link_to(row.integration), moment(row.created_at)


def grants_card(title: str = "Grants", link: str = "", empty: str = "None yet.", **where: Any) -> Card:
    found = Grant.objects.filter(**where).select_related("integration", "end_user", "installation")
    heads = ("Grant", "For", "Added")
    return Card(title, heads, found.order_by("-created_at")[:ROWS], _grant, link, empty)


def _grant(row: Grant) -> Sequence[object]:
    scope = link_to(row.installation) if row.installation else "all installations"
    return link_to(row), scope, moment(row.created_at)


def integrations_card(title: str, **where: Any) -> Card:
    found = Integration.objects.filter(**where).select_related("platform", "policy").order_by("integration_id")[:ROWS]
    heads = ("Integration", "integrationId", "Platform", "Policy")
    link = list_url(Integration, **{f"{name}__id__exact": obj.pk for name, obj in where.items()})
    return Card(title, heads, found, _integration, link)


def _integration(row: Integration) -> Sequence[object]:
    return link_to(row), row.integration_id, link_to(row.platform), link_to(row.policy)


def handed_to(obj: EndUser) -> Card:
    """Show what is granted to a customer, with the credential that each grant hands out."""
    found = Grant.objects.filter(end_user=obj).select_related("integration", "installation").order_by("-created_at")
    heads = ("Integration", "For", "Credential", "State", "Created", "Last checked")
    empty = "Nothing is granted yet. Grant a credential, or let the first exchange make one, where the policy does."
    link = list_url(Grant, end_user__id__exact=obj.pk)
    return Card("Grants and their credentials", heads, found[:ROWS], _granted, link, empty, with_shown)


def _granted(row: Any) -> Sequence[object]:
    shown: Credential | None = row.shown
    scope = link_to(row.installation) if row.installation else "all installations"
    parties = link_to(row.integration), scope
    if shown is None:
        return *parties, link_to(row, "none"), "-", "-", "-"
    version, state = link_to(shown, shown.version_name()), label(shown.state_word())
    return *parties, version, state, moment(shown.created_at), moment(shown.last_used_at)


def identities_card(obj: EndUser) -> Card:
    heads = ("Platform", "endUserId", "Your id", "State", "Added")
    return Card("At the platforms", heads, identities(obj)[:ROWS], _identity)


def _identity(row: EndUser) -> Sequence[object]:
    state = label("active" if row.is_active else "suspended")
    return link_to(row.platform), link_to(row, row.end_user_id), row.external_id or "-", state, moment(row.created_at)


@cards(EndUser)
def of_an_end_user(obj: EndUser) -> Iterator[Card]:
    yield handed_to(obj)
    yield installations_card(end_user=obj)
    yield identities_card(obj)
    yield hand_outs("Last hand-outs", subject=obj.subject)
    yield credentials_card("All its credentials, newest first", subject=obj.subject)
    yield trail(subject=obj.subject)


@cards(Installation)
def of_an_installation(obj: Installation) -> Iterator[Card]:
    """Show the narrower grant, which decides where there is one, and the end user's beside it."""
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
    yield trail_with_secrets(obj)


@cards(Grant)
def of_a_grant(obj: Grant) -> Iterator[Card]:
    yield credentials_card("Versions of its credential, newest first", line=obj.line)
    yield trail(object_id=str(obj.pk))


@cards(Credential)
def handing_out(obj: Credential) -> Iterator[Card]:
    """Show its grants, and where they do not hand it out, what they hand out in its place."""
    card = grants_card("Grants that hand it out", empty="None: no exchange hands it out.", line=obj.line)
    grant = Grant.objects.filter(line=obj.line).first()
    if grant is not None and usable_of(grant) != obj:
        title = "Grants that handed it out" if obj.activated_at else "Grants of its versions"
        heads = ("Grant", "Hands out now", "For", "Added")
        card = replace(card, title=title, heads=heads, cells=_grant_in_its_place)
    yield card


def _grant_in_its_place(row: Grant) -> Sequence[object]:
    grant, *rest = _grant(row)
    return grant, hands_out(row), *rest


def hands_out(grant: Grant) -> Any:
    """Show what an exchange would get now: see exchange.queries."""
    credential = usable_of(grant)
    if credential is None:
        return "nothing"
    if credential.suspended:
        return format_html("nothing, while the end user is suspended: {}", version_link(credential))
    return version_link(credential)


@cards(CredentialPolicy)
def using(obj: CredentialPolicy) -> Iterator[Card]:
    yield integrations_card("Integrations that use it", policy=obj)
