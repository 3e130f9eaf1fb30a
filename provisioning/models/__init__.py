"""Keeps marketplaces, what they may order, and what they have ordered."""

from provisioning.models.catalogue import Feature, Plan, Product
from provisioning.models.marketplaces import LiveKey, Marketplace, TrustedKey
from provisioning.models.operations import AWAITED_FOR, MAX_CALLBACK_URL, Callback, Operation
from provisioning.models.orders import ID_LENGTH, Resource, ResourceCredential
from provisioning.models.rotations import CredentialRotation
from provisioning.models.sso import USER_LENGTH, HandOver, ResourceSession
from provisioning.models.usage import KEY_LENGTH, MAX_QUANTITY, UsageHour, UsageReport
from provisioning.models.validators import LABEL

__all__ = [
    "AWAITED_FOR",
    "ID_LENGTH",
    "KEY_LENGTH",
    "LABEL",
    "MAX_CALLBACK_URL",
    "MAX_QUANTITY",
    "USER_LENGTH",
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
    "UsageHour",
    "UsageReport",
]
