"""Answers GET /v1/sso: lets in a user who brings a code in a link (Provider API, "Accessing your dashboard")."""

import re

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from credservice.core.exceptions import Unauthenticated
from credservice.http.context import note
from provisioning.manifold import PROTOCOL
from provisioning.manifold.connector import users
from provisioning.manifold.ids import is_id
from provisioning.manifold.messages import message
from provisioning.models import Resource
from provisioning.protocols import Failed, Refused
from provisioning.sso import answers
from provisioning.sso.guard import count_sign_on, told
from provisioning.sso.signed_on import SignedOn
from provisioning.sso.views import let_in

# The document's codes have 13 characters; RFC 6749, appendix A.11, allows these.
_CODE = re.compile(r"[\x21-\x7e]{1,255}")


@csrf_exempt  # it takes GET alone
def single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """Let a user in from the marketplace's dashboard: 303 onwards. Every failure is the same 401 page."""
    if request.method != "GET":  # HEAD as well: looking whether the link works must not use up its code
        headers = {"Allow": "GET", "Cache-Control": "no-store"}
        return JsonResponse(message("Only GET is answered here."), status=405, headers=headers)
    resource_id = request.GET.get("resource_id", "")
    try:
        count_sign_on()
        if is_id(resource_id):
            note(resource=resource_id)
        signed_on = sign_on(codes=request.GET.getlist("code"), resource_ids=request.GET.getlist("resource_id"))
        return let_in(request, signed_on)
    except Exception as error:  # of whatever kind: "Every failure is a 401 page"
        told(error, "sso.sign_on", "anonymous", resource_id)
        return answers.refused()


def sign_on(*, codes: list[str], resource_ids: list[str]) -> SignedOn:
    """Exchange the code, and have the marketplace say that its user may see this resource.

    Both as they stand in the query, where each may stand once. Raises Unauthenticated, with the reason for the trail.
    """
    if len(codes) != 1 or len(resource_ids) != 1 or not _CODE.fullmatch(codes[0]) or not is_id(resource_ids[0]):
        raise Unauthenticated("malformed_link")
    resource = find_resource(resource_ids[0])
    marketplace = resource.marketplace
    if not marketplace.client_id or marketplace.sealed_client_secret is None:
        raise Unauthenticated("no_oauth_client")
    try:
        granted = users.exchange(marketplace, codes[0])
    except Refused:
        raise Unauthenticated("code_refused") from None
    except Failed:
        raise Unauthenticated("connector_failed") from None
    try:
        # "A malicious user could tamper with the resource_id": the token's own rights decide.
        users.check_access(marketplace, granted.token, resource.partner_id)
    except Refused:
        raise Unauthenticated("access_refused") from None
    except Failed:
        raise Unauthenticated("connector_failed") from None
    return SignedOn(resource, users.who(marketplace, granted.token), granted)


def find_resource(resource_id: str) -> Resource:
    """Find the resource that has this id, with what its page shows. Raises Unauthenticated.

    The link does not say which marketplace it is from, and a code goes to its own marketplace only: where two
    marketplaces have the same id, neither gets it. What is gone does not count. No order makes a second one
    (:func:`provisioning.services.resources.provision_resource`); one from before that rule may be there.
    """
    rows = Resource.objects.filter(partner_id=resource_id, marketplace__protocol_name=PROTOCOL)
    found = list(rows.exclude(state__in=Resource.GONE).select_related("marketplace", "product", "plan")[:2])
    if len(found) > 1:
        raise Unauthenticated("ambiguous_resource")
    if not found:
        raise Unauthenticated("removed_resource" if rows.exists() else "unknown_resource")
    if not found[0].marketplace.is_active:
        raise Unauthenticated("suspended_marketplace")
    return found[0]
