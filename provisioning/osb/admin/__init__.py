"""Adds to the console what only this protocol knows: a platform's passwords."""

from provisioning.admin.marketplaces import MarketplaceAdmin
from provisioning.osb.admin import passwords
from provisioning.osb.admin.passwords import NewPassword

__all__ = ["passwords"]

MarketplaceAdmin.object_pages = (NewPassword, *MarketplaceAdmin.object_pages)
