"""Lets users of a marketplace in, to the page of a resource or to the vendor's own dashboard."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from credservice.core.exceptions import Unavailable
from provisioning.models import ResourceSession
from provisioning.protocols import Failed, Refused
from provisioning.sso import answers, credentials, sessions
from provisioning.sso.guard import for_resource, session_ended, token_of
from provisioning.sso.handoff import hand_over
from provisioning.sso.page import context_of
from provisioning.sso.signed_on import SignedOn


def let_in(request: HttpRequest, signed_on: SignedOn) -> HttpResponseBase:
    """Send a user on, to the vendor's dashboard or with a session to the resource's page."""
    if signed_on.resource.product.dashboard_url:
        return answers.see_other(hand_over(signed_on))
    session, token = sessions.start(signed_on, request)
    response = answers.see_other(_path(session))
    sessions.set_cookie(response, session, token)
    return response


@for_resource
def show(request: HttpRequest, session: ResourceSession) -> HttpResponseBase:
    return _page(request, session)


@for_resource
def reveal(request: HttpRequest, session: ResourceSession, credential_id: UUID) -> HttpResponseBase:
    """Show a credential, or one value of it to be copied: as JSON to our script, as the page to anybody else."""
    if request.method != "POST":
        return answers.see_other(_path(session))
    _check_still_allowed(session)
    values = credentials.reveal(session, credential_id, request.POST.get("copy"))
    if request.headers.get("Accept") == "application/json":
        return answers.json({"values": values})
    return _page(request, session, revealed=credential_id, values=values)


@for_resource
def sign_out(request: HttpRequest, session: ResourceSession) -> HttpResponseBase:
    if request.method != "POST":
        return answers.see_other(_path(session))
    sessions.end(session)
    response = answers.page("signed_out")
    sessions.set_cookie(response, session, "")
    return response


@csrf_exempt  # it changes nothing
def nowhere(request: HttpRequest) -> HttpResponseBase:
    """Answer any other path below /resources/ like a resource that one may not see."""
    return answers.refused()


def _page(request: HttpRequest, session: ResourceSession, **shown: Any) -> HttpResponseBase:
    return answers.page("resource", form=sessions.form_token(request, session), **context_of(session), **shown)


def _path(session: ResourceSession) -> str:
    return reverse("resource_page", args=[session.resource.partner_id])


def _check_still_allowed(session: ResourceSession) -> None:
    """Have a value shown to whom the marketplace lets in now, not to whom it did when the session began."""
    resource = session.resource
    try:
        resource.marketplace.protocol.check_access(token_of(session), resource.partner_id)
    except Refused:
        raise session_ended(session) from None
    except Failed:
        raise Unavailable("Your marketplace cannot be asked now whether you may see this. Try again shortly.") from None
