"""Stands before every view of single sign-on: a limit, our own session, and pages for whatever goes wrong."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from credservice.audit import Line, record_refusal
from credservice.core.exceptions import ServiceError, Unauthenticated
from credservice.crypto import SealError
from credservice.http.client_address import networks_of
from credservice.http.context import current_context, note
from credservice.http.errors import as_service_error
from credservice.limits.counter import bucket, count_call, count_networks
from provisioning.models import ResourceSession
from provisioning.protocols import all_protocols
from provisioning.sso import answers, sessions

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
# Each load of the page asks the connector.
PAGES_PER_MINUTE = 60


def count_sign_on() -> None:
    """Count one sign-on. Raises TooMany for a network that signs on too often."""
    count_networks("sso", networks_of(current_context().source), settings.SSO_REQUESTS_PER_MINUTE)


def for_resource(view: View) -> View:
    """Call ``view(request, session, ...)`` for whoever has a session of the path's resource; pages of ours for others.

    Exempt from Django's check of forms, whose cookie and page are the console's: ``sessions.check_form`` is ours.
    """

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, partner_id: str, **parts: Any) -> HttpResponseBase:
        session = None
        try:
            session = sessions.current(request, partner_id)
            note(resource=partner_id)
            count_call(bucket("resource-page", str(session.pk)), PAGES_PER_MINUTE)
            if request.method == "POST":
                sessions.check_form(request, session)
            return view(request, session, **parts)
        except Exception as error:  # of whatever kind: a person gets a page, and the log the reason
            actor = sessions.actor(session) if session else "anonymous"
            return _failure(request, told(error, f"resource_page.{view.__name__}", actor, partner_id), partner_id)

    return require_http_methods(["GET", "HEAD", "POST"])(guarded)


def _failure(request: HttpRequest, problem: ServiceError, partner_id: str) -> HttpResponseBase:
    """Make the page, or for our script the sentence, about a failure on a resource's page."""
    wants_json = request.headers.get("Accept") == "application/json"
    if wants_json:
        return answers.json({"message": problem.message}, problem.status)
    if problem.status == 401:
        return answers.refused()
    return answers.page("problem", problem.status, sentence=problem.message, resource_id=partner_id)


def told(error: Exception, action: str, actor: str, resource_id: str) -> ServiceError:
    """Make of ``error`` what may be shown. Refusals go to the trail, what is wrong on our side to the log."""
    problem = as_service_error(error)
    if problem.status >= 500:
        # The class and where it was raised; never its text, see credservice.core.logs.
        log.error("request_failed", error=type(error).__name__, exc_info=problem.status == 500)
    else:
        reason = problem.reason if isinstance(problem, Unauthenticated) else problem.code
        is_id = any(protocol.is_id(resource_id) for protocol in all_protocols())
        kind, key = ("resource", resource_id) if is_id else ("", "")
        record_refusal(Line(action, actor, reason=reason, object_type=kind, object_id=key))
    return problem


def session_ended(session: ResourceSession) -> Unauthenticated:
    """End a session whose user the marketplace no longer lets in."""
    sessions.end(session, action="sso.ended_by_marketplace")
    return Unauthenticated("access_refused")


def token_of(session: ResourceSession) -> str:
    """Open the user's access token. Where it was granted to another browser, for another resource, or by another
    connector than the marketplace's present one, end the session and raise Unauthenticated."""
    try:
        return session.open_token()
    except SealError:
        sessions.end(session, action="sso.ended")
        raise Unauthenticated("token_does_not_open") from None
