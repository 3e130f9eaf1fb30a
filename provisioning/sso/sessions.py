"""Keeps our own sessions: each knows one resource, and has a cookie named after it. Django's are the console's."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from credservice.audit import Line, record
from credservice.core.exceptions import Unauthenticated
from credservice.crypto import digest, seal
from credservice.crypto.derive import hmac_sha256
from provisioning.models import Resource, ResourceSession
from provisioning.sso.signed_on import SignedOn, actor_of

TOKEN_BYTES = 32
# "Access Tokens are valid for 24 hours" (Connector API); where it does not say how long this one is.
TOKEN_SECONDS = 24 * 3600


def start(signed_on: SignedOn, request: HttpRequest) -> tuple[ResourceSession, str]:
    """Start a session; returns it, and the token that the browser shows for it.

    It ends with the user's access token at the latest. The one that the browser had for this resource before has
    ended then: nobody shows its token any more.
    """
    now, token = timezone.now(), secrets.token_urlsafe(TOKEN_BYTES)
    before = _token(request, signed_on.resource.partner_id)
    granted = TOKEN_SECONDS if signed_on.granted.seconds is None else signed_on.granted.seconds
    seconds = min(settings.RESOURCE_SESSION_SECONDS, max(0, granted))
    session = ResourceSession(
        resource=signed_on.resource,
        digest=_digest(token),
        user=signed_on.person.id,
        expires_at=now + timedelta(seconds=seconds),
    )
    session.sealed_token = seal(signed_on.granted.token.encode(), session.place)
    with transaction.atomic():
        ResourceSession.objects.filter(Q(expires_at__lte=now) | Q(digest=_digest(before))).delete()
        session.save(force_insert=True)
        record(_line("sso.signed_on", session, actor(session), outcome="granted"))
    return session, token


def current(request: HttpRequest, resource_id: str) -> ResourceSession:
    """Find the browser's session for this resource. Raises Unauthenticated, with the reason for the trail."""
    token = _token(request, resource_id)
    if not token:
        raise Unauthenticated("no_session")
    sessions = ResourceSession.objects.select_related("resource__marketplace", "resource__product", "resource__plan")
    session = sessions.filter(digest=_digest(token), expires_at__gt=timezone.now()).first()
    if session is None:
        raise Unauthenticated("unknown_session")
    resource = session.resource
    if resource.partner_id != resource_id:
        raise Unauthenticated("session_of_other_resource")
    if resource.state == Resource.State.DEPROVISIONED or not resource.marketplace.is_active:
        raise Unauthenticated("ended_resource")
    return session


def end(session: ResourceSession, *, action: str = "sso.signed_out", by: str = "") -> bool:
    """Delete it, with its sealed access token. Returns whether it was there to be ended.

    ``by`` is who ends it where that is not its user.
    """
    with transaction.atomic():
        ended = ResourceSession.objects.filter(pk=session.pk).delete()[0] > 0
        if ended:
            record(_line(action, session, by or actor(session)))
    return ended


def actor(session: ResourceSession) -> str:
    """Name the session's user as the trail does."""
    return actor_of(session.resource, session.user)


def form_token(request: HttpRequest, session: ResourceSession) -> str:
    """Make what a form of the page sends along. It follows from the session's token, which another site cannot know."""
    return hmac_sha256(_token(request, session.resource.partner_id).encode(), b"resource page's form").hex()


def check_form(request: HttpRequest, session: ResourceSession) -> None:
    """Raise Unauthenticated for a form that is not from our own page."""
    if not constant_time_compare(request.POST.get("form", ""), form_token(request, session)):
        raise Unauthenticated("foreign_form")


def cookie_name(resource_id: str) -> str:
    """Name one for each resource, so that a user may look at several. ``__Host-``: for this host alone, and by TLS."""
    return f"__Host-resource-{resource_id}" if settings.PRODUCTION else f"credservice-resource-{resource_id}"


def set_cookie(response: HttpResponse, session: ResourceSession, token: str) -> None:
    """Set it for as long as the session, which an empty ``token`` ends.

    Lax: the browser comes from the marketplace's site, and must show it after our redirect.
    """
    response.set_cookie(
        cookie_name(session.resource.partner_id),
        token,
        expires=session.expires_at if token else None,
        max_age=None if token else 0,
        secure=settings.PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def _token(request: HttpRequest, resource_id: str) -> str:
    token = request.COOKIES.get(cookie_name(resource_id), "")
    return token if token.isascii() else ""


def _digest(token: str) -> bytes:
    return digest(token, "resource-session")


def _line(action: str, session: ResourceSession, by: str, *, outcome: str = "done") -> Line:
    detail = {"resource": session.resource.partner_id, "session": str(session.pk), "user": session.user}
    return Line.about(session.resource, action, by, detail, outcome=outcome)
