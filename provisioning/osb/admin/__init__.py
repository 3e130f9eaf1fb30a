"""Adds to the console what only this protocol knows: a platform's passwords and first steps."""

from django.utils import timezone

from credservice.adminkit.refused_calls import LATELY
from provisioning.admin.marketplaces import MarketplaceAdmin, Mend
from provisioning.models import Marketplace
from provisioning.osb.admin import passwords
from provisioning.osb.admin.first_steps import BrokerFirstSteps
from provisioning.osb.admin.passwords import NewPassword
from provisioning.osb.authentication import WRONG_PASSWORD
from provisioning.osb.models import BrokerPassword

__all__ = ["passwords"]


def _no_password_works(marketplace: Marketplace) -> bool:
    """Tell if none let the platform in lately: where one does, another would put an end on it for nothing."""
    theirs = BrokerPassword.objects.live().filter(marketplace=marketplace)
    return not theirs.filter(last_used_at__gte=timezone.now() - LATELY).exists()


MarketplaceAdmin.first_steps = (*MarketplaceAdmin.first_steps, BrokerFirstSteps)
MarketplaceAdmin.object_pages = (BrokerFirstSteps, NewPassword, *MarketplaceAdmin.object_pages)
MarketplaceAdmin.mends = MarketplaceAdmin.mends | {
    WRONG_PASSWORD: Mend(
        NewPassword,
        "Somebody who claims to be it sends a wrong password. If its operators say that it is theirs, make a new one.",
        may_help=_no_password_works,
    )
}
