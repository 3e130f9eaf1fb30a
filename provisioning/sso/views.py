"""GET /v1/sso, and the page of a resource that it leads to."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from credservice.exceptions import Unavailable
from credservice.http.context import note
from provisioning.models.sso import ResourceSession
from provisioning.sentences import message
from provisioning.sso import answers, credentials, sessions
from provisioning.sso import marketplace as connector
from provisioning.sso.guard import count_sign_on, for_resource, session_ended, told
from provisioning.sso.hand_over import hand_over
from provisioning.sso.marketplace import Failed, Refused
from provisioning.sso.page import context_of
from provisioning.sso.sign_on import SignedOn, is_id, sign_on


@csrf_exempt  # it takes GET alone
def single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """From the marketplace's dashboard. 303 onwards; every failure is the same 401 page."""
    if request.method != "GET":  # HEAD as well: looking whether the link works must not use up its code
        headers = {"Allow": "GET", "Cache-Control": "no-store"}
        return JsonResponse(message("Only GET is answered here."), status=405, headers=headers)
    resource_id = request.GET.get("resource_id", "")
    try:
        count_sign_on()
        if is_id(resource_id):
            note(resource=resource_id)
        signed_on = sign_on(codes=request.GET.getlist("code"), resource_ids=request.GET.getlist("resource_id"))
        return _onwards(request, signed_on)
    except Exception as error:  # of whatever kind: "Every failure is a 401 page"
        told(error, "sso.sign_on", "anonymous", resource_id)
        return answers.refused()


def _onwards(request: HttpRequest, signed_on: SignedOn) -> HttpResponseBase:
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
    """Any other path below /resources/: nothing tells it from a resource that one may not see."""
    return answers.refused()


def _page(request: HttpRequest, session: ResourceSession, **shown: Any) -> HttpResponseBase:
    return answers.page("resource", form=sessions.form_token(request, session), **context_of(session), **shown)


def _path(session: ResourceSession) -> str:
    return reverse("resource_page", args=[session.resource.partner_id])


def _check_still_allowed(session: ResourceSession) -> None:
    """A value is shown to whom the marketplace lets in now, not to whom it did when the session began."""
    resource = session.resource
    try:
        connector.check_access(resource.marketplace, session.open_token(), resource.partner_id)
    except Refused:
        raise session_ended(session) from None
    except Failed:
        raise Unavailable("Your marketplace cannot be asked now whether you may see this. Try again shortly.") from None
