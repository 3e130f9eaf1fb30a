"""Records sign-ins, failed ones, sign-outs and denied pages in the audit log.

A failed sign-in is recorded under the account's name where there is such an account; anything else that was typed is
not kept: it may well be a password in the wrong box.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from credservice.accounts.oidc.marks import arrival
from credservice.audit import Line, record, record_refusal
from credservice.audit.names import actor_of


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    came = arrival(request)
    detail = {"provider": came.alias} if came else {}
    record(Line.about(user, "user.signed_in", f"user:{user.get_username()}", detail))


@receiver(user_logged_out)
def signed_out(sender: Any, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        record(Line.about(user, "user.signed_out", f"user:{user.get_username()}"))


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    typed = str(credentials.get("username", "")).replace("\x00", "")
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: typed}).first()
    if user is not None:
        record_refusal(Line.about(user, "user.sign_in", f"user:{user.get_username()}", reason="wrong_credentials"))
    else:
        record_refusal(Line("user.sign_in", "user:unknown", reason="unknown_user", object_type="user"))


def record_denial(request: HttpRequest) -> None:
    """Record the page's name and the object it was asked for; nothing of what was sent."""
    match = request.resolver_match
    if not request.user.is_authenticated or match is None:
        return
    object_id = match.kwargs.get("object_id") or match.kwargs.get("id") or ""
    detail = {"page": str(match.url_name), "method": str(request.method)}
    line = Line("console.page", actor_of(request), reason="not_allowed", object_id=object_id, detail=detail)
    record_refusal(line)
