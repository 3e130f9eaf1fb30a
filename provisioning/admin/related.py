"""Shows what belongs to marketplaces, their catalogues and their orders on their pages."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import Q
from django.utils import timezone

from credservice.adminkit.cards import ROWS, Card, cards, trail, trail_with_parts
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_url
from credservice.adminkit.moments import moment
from credservice.credentials.admin.related import credentials_card
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import Use, counted_up_to
from provisioning.credential_hooks import products_with_live_credentials
from provisioning.models import (
    Callback,
    CredentialRotation,
    Feature,
    LiveKey,
    Marketplace,
    Operation,
    Plan,
    Product,
    Resource,
    ResourceCredential,
    ResourceSession,
    TrustedKey,
    UsageHour,
)


def resource_credentials_card(title: str = "Resource credentials", link: str = "", **where: object) -> Card:
    found = ResourceCredential.objects.filter(**where).select_related("resource", "credential__policy")
    heads = ("Credential id", "Resource", "First credential", "Added", "Ended")
    return Card(title, heads, found.order_by("-created_at")[:ROWS], _resource_credential, link)


def _resource_credential(row: ResourceCredential) -> Sequence[object]:
    dates = moment(row.created_at), moment(row.deprovisioned_at)
    return link_to(row), link_to(row.resource), link_to(row.credential), *dates


def usage_card(resource: Resource) -> Card:
    found = UsageHour.objects.filter(resource=resource).select_related("feature").order_by("-hour")[:ROWS]
    link = list_url(UsageHour, resource__id__exact=resource.pk)
    return Card("Usage by the hour", ("Hour", "Feature", "Quantity"), found, _usage, link, "None reported yet.")


def _usage(row: UsageHour) -> Sequence[object]:
    return link_to(row, moment(row.hour)), row.feature, f"{row.quantity:,}"


def trusted_keys_card(marketplace: Marketplace) -> Card:
    found = TrustedKey.objects.filter(marketplace=marketplace).order_by("label")[:ROWS]
    link = list_url(TrustedKey, marketplace__id__exact=marketplace.pk)
    empty = "None: without one, everything it sends is refused."
    return Card("Trusted keys", ("Key", "Purpose", "State"), found, _trusted_key, link, empty)


def _trusted_key(row: TrustedKey) -> Sequence[object]:
    return (
        link_to(row, row.label),
        "trials" if row.is_test else "orders",
        _switched(row.is_enabled, "trusted", "disabled"),
    )


def live_keys_card(key: TrustedKey) -> Card:
    found = LiveKey.objects.filter(trusted_key=key).order_by("-last_used_at")[:ROWS]
    heads = ("Public key", "First used", "Last used")
    return Card("Live keys that it endorsed", heads, found, _live_key, list_url(LiveKey, trusted_key__id__exact=key.pk))


def _live_key(row: LiveKey) -> Sequence[object]:
    return link_to(row), moment(row.first_used_at), moment(row.last_used_at)


def products_card(marketplace: Marketplace) -> Card:
    found = Product.objects.filter(marketplace=marketplace).order_by("label")[:ROWS]
    link = list_url(Product, marketplace__id__exact=marketplace.pk)
    return Card("Products", ("Product", "Label", "State"), found, _offer, link, "None yet: nothing can be ordered.")


def plans_card(product: Product) -> Card:
    found = Plan.objects.filter(product=product).order_by("label")[:ROWS]
    link = list_url(Plan, product__id__exact=product.pk)
    return Card("Plans", ("Plan", "Label", "State"), found, _offer, link, "None yet: nothing can be ordered.")


def _offer(row: Product | Plan) -> Sequence[object]:
    return link_to(row), row.label, _switched(row.is_active, "active", "suspended")


def features_card(product: Product) -> Card:
    found = Feature.objects.filter(product=product).order_by("label")[:ROWS]
    return Card("Features", ("Feature", "Label"), found, _feature, list_url(Feature, product__id__exact=product.pk))


def _feature(row: Feature) -> Sequence[object]:
    return link_to(row), row.label


def _switched(on: bool, yes: str, no: str) -> object:
    return label(yes if on else no)


@cards(Marketplace)
def of_a_marketplace(obj: Marketplace) -> Iterator[Card]:
    if "trusted_keys" in obj.protocol.settings:
        yield trusted_keys_card(obj)
    yield products_card(obj)
    yield trail_with_parts(obj)
    yield trail("What it did", actor=f"marketplace:{obj.name}")


@cards(TrustedKey)
def of_a_trusted_key(obj: TrustedKey) -> Iterator[Card]:
    yield live_keys_card(obj)
    yield trail(object_id=str(obj.pk))


@cards(Product)
def of_a_product(obj: Product) -> Iterator[Card]:
    yield plans_card(obj)
    yield features_card(obj)
    yield trail(object_id=str(obj.pk))


def operations_card(resource: Resource) -> Card:
    found = Operation.objects.filter(resource=resource).select_related("resource", "resource_credential")
    heads = ("Operation", "State", "Attempts", "Asked", "Ended")
    link = list_url(Operation, q=resource.partner_id)
    rows = found.order_by("-created_at")[:ROWS]
    return Card("Operations", heads, rows, _operation, link, "All that was asked was done at once.")


def _operation(row: Operation) -> Sequence[object]:
    return link_to(row), label(row.state), row.attempts, moment(row.created_at), moment(row.finished_at)


def sessions_card(resource: Resource) -> Card:
    found = ResourceSession.objects.filter(resource=resource, expires_at__gt=timezone.now())
    found = found.defer("sealed_token", "digest").order_by("-started_at")[:ROWS]
    heads = ("User of the marketplace", "Since", "Ends")
    link = list_url(ResourceSession, resource__id__exact=resource.pk)
    return Card("Looking at its page now", heads, found, _session, link, "Nobody.")


def _session(row: ResourceSession) -> Sequence[object]:
    return link_to(row, row.user or "unknown"), moment(row.started_at), moment(row.expires_at)


def _callback(row: Callback) -> Sequence[object]:
    return link_to(row), label(row.state), row.attempts, row.reason, moment(row.requested_at), moment(row.ended_at)


def _rotation(row: CredentialRotation) -> Sequence[object]:
    return link_to(row), label(row.state), row.reason, moment(row.created_at), moment(row.ended_at)


@cards(Resource)
def of_a_resource(obj: Resource) -> Iterator[Card]:
    yield resource_credentials_card(link=list_url(ResourceCredential, resource__id__exact=obj.pk), resource=obj)
    yield credentials_card(subject=obj.subject)
    yield operations_card(obj)
    yield usage_card(obj)
    yield sessions_card(obj)
    yield trail(subject=obj.subject)


@cards(ResourceCredential)
def of_a_resource_credential(obj: ResourceCredential) -> Iterator[Card]:
    yield credentials_card("Versions of its credential, newest first", line=obj.credential.line)
    heads = ("Rotation", "State", "Reason", "Asked", "Ended")
    rotations = obj.rotations.order_by("-created_at")[:ROWS]
    yield Card("Rotations asked of the marketplace", heads, rotations, _rotation)
    yield trail(object_id=str(obj.pk))


@cards(Operation)
def of_an_operation(obj: Operation) -> Iterator[Card]:
    """List all of its callbacks: a request that was repeated meanwhile has one each time; the newest is told."""
    heads = ("Callback", "State", "Attempts", "Reason", "Asked", "Ended")
    yield Card("Callbacks, newest first", heads, obj.callbacks.order_by("-requested_at")[:ROWS], _callback)
    yield trail(object_id=str(obj.pk))


@cards(Callback)
def of_a_callback(obj: Callback) -> Iterator[Card]:
    yield trail(object_id=str(obj.pk))


@cards(CredentialRotation)
def of_a_rotation(obj: CredentialRotation) -> Iterator[Card]:
    yield trail(object_id=str(obj.pk))


@cards(Credential)
def ordered(obj: Credential) -> Iterator[Card]:
    """Show it for credentials that belong to a resource: others are no marketplace's."""
    if obj.subject.startswith("resource:"):
        yield resource_credentials_card("Ordered by a marketplace as", credential__line=obj.line)


@cards(CredentialPolicy)
def using(obj: CredentialPolicy) -> Iterator[Card]:
    """Show the products whose credentials it makes, or made: a rotation makes the next by it."""
    uses = {use.obj.pk: use for use in products_with_live_credentials(obj)}
    found = Product.objects.filter(Q(policy=obj) | Q(pk__in=uses)).select_related("marketplace", "policy")
    heads = ("Product", "Marketplace", "Live credentials of this policy", "New ones are made by")
    link = list_url(Product, policy__id__exact=obj.pk)
    rows = found.order_by("label", "pk")[:ROWS]
    yield Card("Products that use it", heads, rows, partial(_using, uses), link)


def _using(uses: Mapping[Any, Use], row: Product) -> Sequence[object]:
    use, live = uses.get(row.pk), sum(each.credentials for each in uses.values())
    count = counted_up_to(use.credentials, live, "live credentials") if use else "none"
    return link_to(row), link_to(row.marketplace), count, link_to(row.policy)
