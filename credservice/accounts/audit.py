"""Records what happens to a second factor in the act's transaction, and ends the sessions that came in without it.

Never a code, a secret or a passkey's id: an authenticator is named by its kind and number.
"""

from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_used
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from credservice.accounts.models import ConsoleSession, Invitation
from credservice.accounts.sessions import row_id
from credservice.audit import Line, record, record_refusal

# In a session: that its user has shown a second factor in it.
SHOWN = "second_factor"
# In a session: that its user came by an invitation, which asks for a second factor whatever the settings say.
INVITED = "invited"
CODES = Authenticator.Type.RECOVERY_CODES


@receiver(user_logged_in)
def begin_session(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    request.session[INVITED] = Invitation.objects.filter(taken_by=user).exists()
    begin = getattr(request.session, "begin", None)
    if begin is not None:
        begin(request.META.get("HTTP_USER_AGENT", ""))


@receiver(post_save, sender=Authenticator)
def saved(sender: Any, instance: Authenticator, created: bool, **_: Any) -> None:
    if not created:
        return
    _record("user.recovery_codes_made" if instance.type == CODES else "user.second_factor_added", instance)
    if instance.type != CODES:
        _end_others(instance)
        _mark(instance, shown=True)


@receiver(post_delete, sender=Authenticator)
def removed(sender: Any, instance: Authenticator, **_: Any) -> None:
    if instance.type == CODES:
        return
    _record("user.second_factor_removed", instance)
    _end_others(instance)
    if not has_factor(instance.user):
        _mark(instance, shown=False)


@receiver(authenticator_used)
def used(sender: Any, request: HttpRequest, authenticator: Authenticator, reauthenticated: bool, **_: Any) -> None:
    name = "user.recovery_code_used" if authenticator.type == CODES else "user.second_factor_used"
    _record(name, authenticator, purpose="confirmation" if reauthenticated else "sign_in")
    request.session[SHOWN] = True


@receiver(authentication_failed)
def failed(sender: Any, user: Any, **_: Any) -> None:
    refuse(user, "wrong_code")


def refuse(user: Any, reason: str) -> None:
    """Record a second factor that did not pass."""
    actor = f"user:{user.get_username()}" if user else "user:unknown"
    pk = user.pk if user else ""
    record_refusal(Line("user.second_factor", actor, reason=reason, object_type="user", object_id=pk))


def has_factor(user: Any) -> bool:
    """Tell whether the account has a second factor; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user_id=user.pk).exclude(type=CODES).exists())


def _record(action: str, row: Authenticator, **facts: str) -> None:
    request = context.request
    by = row.user if request is None or not request.user.is_authenticated else request.user
    actor = f"user:{by.get_username()}" if request is not None else "command"
    record(Line.about(row.user, action, actor, {"kind": row.type, "authenticator": row.pk} | facts))


def _end_others(row: Authenticator) -> None:
    """End this user's other sessions: whoever is in one came in without it."""
    ConsoleSession.objects.end(row.user, but=_own_session(row))


def _own_session(row: Authenticator) -> str | None:
    request = context.request
    is_own = request is not None and request.user.pk == row.user_id
    return row_id(request.session.session_key) if is_own else None


def _mark(row: Authenticator, *, shown: bool) -> None:
    if _own_session(row):
        context.request.session[SHOWN] = shown
