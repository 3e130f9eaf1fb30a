"""Adds to the console what only this protocol knows: its keys, callbacks, rotations and first steps."""

from provisioning.admin.marketplaces import MarketplaceAdmin
from provisioning.admin.orders import ResourceCredentialAdmin
from provisioning.manifold.admin import callbacks, keys, rotations
from provisioning.manifold.admin.first_steps import ManifoldFirstSteps
from provisioning.manifold.admin.rotations import AskRotation

__all__ = ["callbacks", "keys", "rotations"]

MarketplaceAdmin.first_steps = (*MarketplaceAdmin.first_steps, ManifoldFirstSteps)
MarketplaceAdmin.object_pages = (ManifoldFirstSteps, *MarketplaceAdmin.object_pages)
ResourceCredentialAdmin.object_pages = (AskRotation, *ResourceCredentialAdmin.object_pages)
