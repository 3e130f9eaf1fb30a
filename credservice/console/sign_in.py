"""Sign-ins, failed ones and sign-outs, in the trail.

A failed sign-in is recorded under the account's name where there is such an account; anything else that was typed is
not kept: it may well be a password in the wrong box.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from credservice.audit import record, record_refusal


@receiver(user_logged_in)
def signed_in(sender: Any, user: AbstractBaseUser, **_: Any) -> None:
    record(action="user.signed_in", actor=f"user:{user.get_username()}", object_type="user", object_id=user.pk)


@receiver(user_logged_out)
def signed_out(sender: Any, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        record(action="user.signed_out", actor=f"user:{user.get_username()}", object_type="user", object_id=user.pk)


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    typed = str(credentials.get("username", "")).replace("\x00", "")
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: typed}).first()
    record_refusal(
        action="user.sign_in",
        actor=f"user:{user.get_username()}" if user else "user:unknown",
        reason="wrong_credentials" if user else "unknown_user",
        object_type="user",
        object_id=user.pk if user else "",
    )
