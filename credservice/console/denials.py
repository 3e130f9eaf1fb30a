"""What an account was denied here, in the trail: an operator who tries doors is worth a line."""

from django.http import HttpRequest

from credservice.audit import record_refusal
from credservice.console.actor import actor_of


def record_denial(request: HttpRequest) -> None:
    """The page's name and the object it was asked for; nothing of what was sent."""
    match = request.resolver_match
    if not request.user.is_authenticated or match is None:
        return
    object_id = match.kwargs.get("object_id") or match.kwargs.get("id") or ""
    record_refusal(
        action="console.page",
        actor=actor_of(request),
        reason="not_allowed",
        object_id=str(object_id)[:255],
        detail={"page": str(match.url_name), "method": str(request.method)},
    )
