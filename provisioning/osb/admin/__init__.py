"""Adds to the console what only this protocol knows: a platform's passwords and first steps."""

from django.http import HttpRequest
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


def _new_password(site_admin: MarketplaceAdmin, request: HttpRequest, obj: Marketplace) -> str:
    """Find the page, unless one let the platform in lately: another would put an end on that for nothing."""
    theirs = BrokerPassword.objects.live().filter(marketplace=obj)
    if theirs.filter(last_used_at__gte=timezone.now() - LATELY).exists():
        return ""
    link = NewPassword(site_admin).link(request, obj)
    return link["path"] if link else ""


MarketplaceAdmin.first_steps = (*MarketplaceAdmin.first_steps, BrokerFirstSteps)
MarketplaceAdmin.object_pages = (BrokerFirstSteps, NewPassword, *MarketplaceAdmin.object_pages)
MarketplaceAdmin.mends = MarketplaceAdmin.mends | {
    WRONG_PASSWORD: Mend(
        "Somebody who claims to be it sends a wrong password. If its operators say that it is theirs, make a new one.",
        _new_password,
    )
}
