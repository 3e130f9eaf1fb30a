"""Adds to the console what only this protocol knows: its keys, callbacks, rotations and first steps."""

from django.http import HttpRequest

from credservice.adminkit.links import list_url, may_view
from provisioning.admin.marketplaces import MarketplaceAdmin, Mend
from provisioning.admin.orders import ResourceCredentialAdmin
from provisioning.manifold.admin import callbacks, keys, rotations
from provisioning.manifold.admin.first_steps import ManifoldFirstSteps
from provisioning.manifold.admin.rotations import AskRotation
from provisioning.models import Marketplace, TrustedKey

__all__ = ["callbacks", "keys", "rotations"]


def _trusted_keys(site_admin: MarketplaceAdmin, request: HttpRequest, obj: Marketplace) -> str:
    return list_url(TrustedKey, marketplace__id__exact=obj.pk) if may_view(request, TrustedKey) else ""


MarketplaceAdmin.first_steps = (*MarketplaceAdmin.first_steps, ManifoldFirstSteps)
MarketplaceAdmin.object_pages = (ManifoldFirstSteps, *MarketplaceAdmin.object_pages)
ResourceCredentialAdmin.object_pages = (AskRotation, *ResourceCredentialAdmin.object_pages)
MarketplaceAdmin.mends = MarketplaceAdmin.mends | {
    "disabled_trusted_key": Mend(
        "Calls are signed under a trusted key that is disabled. If the marketplace still uses that key, and it has not "
        "leaked, enable it.",
        _trusted_keys,
    ),
    "ended_trusted_key": Mend(
        "Calls are signed under a trusted key that has ended. If the marketplace still uses that key, give it a later "
        "end.",
        _trusted_keys,
    ),
}
