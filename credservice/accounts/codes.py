"""Checks typed codes of a second factor: each is good once."""

import time
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import decrypt

from credservice.accounts.passkeys import take_turns


def use_code(user: Any, code: str) -> Authenticator | None:
    """Find the authenticator that ``code`` is of, and use the code up; None where it is good for nothing.

    Call it in a transaction: others who send a code of the account wait for its end.
    """
    take_turns(user)
    rows = Authenticator.objects.filter(user_id=user.pk).exclude(type=Authenticator.Type.WEBAUTHN)
    for row in rows.order_by("pk"):
        is_good = _use_step(row, code) if row.type == Authenticator.Type.TOTP else row.wrap().validate_code(code)
        if is_good:
            row.user = user
            return row
    return None


def step_of(secret: str, code: str, after: int = 0) -> int | None:
    """Find the half minute that ``code`` is of: the present one or the one before, if it is later than ``after``."""
    now = int(time.time()) // app_settings.TOTP_PERIOD
    for step in auth.yield_hotp_counters_from_time():
        expected = auth.format_hotp_value(auth.hotp_value(secret, step))
        if after < step <= now and compare_user_code(actual=code, expected=expected):
            return int(step)
    return None


def _use_step(row: Authenticator, code: str) -> bool:
    """Take a code that is newer than the last that was used.

    One step back for the network and the typing, and no code twice: RFC 6238, 5.2. allauth alone forgets a used code
    after half a minute, while it is still good, and takes the one of the step to come.
    """
    step = step_of(decrypt(row.data["secret"]), code, after=row.data.get("used_step", 0))
    if step is None:
        return False
    row.data["used_step"] = step
    row.save(update_fields=["data"])
    return True
