"""Adds to the console what only this protocol knows: a platform's passwords and first steps."""

from provisioning.admin.marketplaces import MarketplaceAdmin
from provisioning.osb.admin import passwords
from provisioning.osb.admin.first_steps import BrokerFirstSteps
from provisioning.osb.admin.passwords import NewPassword
from provisioning.osb.authentication import WRONG_PASSWORD

__all__ = ["passwords"]

MarketplaceAdmin.first_steps = (*MarketplaceAdmin.first_steps, BrokerFirstSteps)
MarketplaceAdmin.object_pages = (BrokerFirstSteps, NewPassword, *MarketplaceAdmin.object_pages)
MarketplaceAdmin.mends = MarketplaceAdmin.mends | {
    WRONG_PASSWORD: (NewPassword, "It calls with a wrong password: make a new one here, and enter it at the platform")
}
