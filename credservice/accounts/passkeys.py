"""Checks what allauth leaves out of a passkey's answer: its origin, and for what, for whom and when it was asked for.

allauth keeps one challenge in a session, so that one made for the second step, where a touch is enough, would do for
the sign-in by a passkey alone. Ours are kept by purpose, with their user and time; each is good for one answer.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from fido2.utils import websafe_decode

from credservice.accounts.models import CacheEntry

Purpose = Literal["sign_in", "second_step", "proof", "registration"]

STATES = "passkey_states"
GOOD_FOR = 600  # seconds: the longest that WebAuthn Level 2, 5.1.3 recommends for an answer
NOT_ACCEPTED = "This passkey was not accepted."


def keep_challenge(purpose: Purpose, user: Any = None) -> None:
    """Move the challenge that allauth just made to where answers of this purpose and user alone find it."""
    session, state = context.request.session, auth.get_state()
    auth.clear_state()
    if state:
        kept = {"state": state, "user": _key(user), "at": time.time()}
        session[STATES] = session.get(STATES, {}) | {purpose: kept}


@contextmanager
def challenge(purpose: Purpose, user: Any = None) -> Iterator[None]:
    """Show allauth the challenge of this purpose and user, once. Raises ``ValidationError`` where there is none."""
    session = context.request.session
    states = dict(session.get(STATES, {}))
    kept = states.pop(purpose, None)
    session[STATES] = states
    is_good = kept and kept["user"] == _key(user) and time.time() - kept["at"] <= GOOD_FOR
    if not is_good or not use_up(kept["state"]["challenge"]):
        raise ValidationError(NOT_ACCEPTED)
    auth.set_state(kept["state"])
    try:
        yield
    finally:
        auth.clear_state()


def signs_in_alone(row: Authenticator) -> bool:
    """Tell whether its owner chose so when it was added. One that was added before the choice was kept does not."""
    return row.data.get("passwordless") is True


def is_user_verified(credential: Any) -> bool:
    """Tell whether the passkey's answer says that it checked its owner: by a PIN, a finger or a face."""
    answer = auth.parse_authentication_response(credential)
    return bool(answer.response.authenticator_data.is_user_verified())


def take_turns(user: Any) -> None:
    """Let several who send a code of the account at once go one after the other, in the caller's transaction."""
    rows = Authenticator.objects.select_for_update().filter(user_id=user.pk).order_by("pk")
    list(rows.values_list("pk", flat=True))


def is_ours(text: str) -> bool:
    """Tell whether a passkey's answer, as it was sent, was given at our origin."""
    try:
        check_origin(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        return False
    return True


def check_origin(credential: Any) -> None:
    """Refuse another origin than ours, such as a neighbour's domain: WebAuthn Level 2, 7.1 step 9 and 7.2 step 13."""
    try:
        origin = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))["origin"]
    except (KeyError, TypeError, ValueError):
        raise ValidationError(NOT_ACCEPTED) from None
    ours = urlsplit(settings.CONSOLE_URL)
    if origin != f"{ours.scheme}://{ours.netloc}":
        raise ValidationError(f"Passkeys work at {settings.CONSOLE_URL} alone. Open the console there.")


def use_up(challenge: str) -> bool:
    """Mark a challenge as used for all processes: two requests at once read the same session."""
    used = hashlib.sha256(challenge.encode()).hexdigest()
    expires = timezone.now() + timedelta(seconds=2 * GOOD_FOR)
    _, is_first = CacheEntry.objects.get_or_create(
        cache_key=f"accounts.passkey.used:{used}", defaults={"expires": expires}
    )
    return is_first


def _key(user: Any) -> str:
    return str(user.pk) if user is not None else ""
