"""Marketplaces, what they may order, and what they have ordered."""

from provisioning.models.catalogue import Feature, Plan, Product, label_form, region_form
from provisioning.models.marketplaces import LiveKey, Marketplace, TrustedKey, TrustedKeyQuerySet, public_key_form
from provisioning.models.orders import ID_LENGTH, Resource, ResourceCredential
from provisioning.models.usage import KEY_LENGTH, MAX_QUANTITY, UsageHour, UsageReport

# Of a credential's values (manifold-provider-api.yaml, CredentialResponse).
VALUE_NAME = r"[A-Z][A-Z0-9_]{0,127}"

__all__ = [
    "ID_LENGTH",
    "KEY_LENGTH",
    "MAX_QUANTITY",
    "VALUE_NAME",
    "Feature",
    "LiveKey",
    "Marketplace",
    "Plan",
    "Product",
    "Resource",
    "ResourceCredential",
    "TrustedKey",
    "TrustedKeyQuerySet",
    "UsageHour",
    "UsageReport",
    "label_form",
    "public_key_form",
    "region_form",
]
