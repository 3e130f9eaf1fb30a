"""Marketplaces, what they may order, and what they have ordered."""

from provisioning.models.catalogue import Feature, Plan, Product, label_form, region_form
from provisioning.models.marketplaces import LiveKey, Marketplace, TrustedKey, TrustedKeyQuerySet, public_key_form
from provisioning.models.operations import AWAITED_FOR, MAX_CALLBACK_URL, Callback, Operation
from provisioning.models.orders import ID_LENGTH, Resource, ResourceCredential
from provisioning.models.rotations import CredentialRotation
from provisioning.models.sso import HandOver, ResourceSession
from provisioning.models.usage import KEY_LENGTH, MAX_QUANTITY, UsageHour, UsageReport

# Of a credential's values (manifold-provider-api.yaml, CredentialResponse).
VALUE_NAME = r"[A-Z][A-Z0-9_]{0,127}"

__all__ = [
    "AWAITED_FOR",
    "ID_LENGTH",
    "KEY_LENGTH",
    "MAX_CALLBACK_URL",
    "MAX_QUANTITY",
    "VALUE_NAME",
    "Callback",
    "CredentialRotation",
    "Feature",
    "HandOver",
    "LiveKey",
    "Marketplace",
    "Operation",
    "Plan",
    "Product",
    "Resource",
    "ResourceCredential",
    "ResourceSession",
    "TrustedKey",
    "TrustedKeyQuerySet",
    "UsageHour",
    "UsageReport",
    "label_form",
    "public_key_form",
    "region_form",
]
