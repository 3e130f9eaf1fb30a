"""Resets the second factor of somebody else's account."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from credservice.accounts.models import ConsoleSession
from credservice.audit import Line, record


def reset_second_factor(*, user: Any, actor: str, reason: str) -> int:
    """Take every second factor and recovery code from an account, and end its sessions: how many factors it had.

    Where a second factor is required, its owner then signs in with the password and is led to set one up.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user_id=user.pk)
        kinds = sorted(row.type for row in rows)
        rows.delete()
        ended = ConsoleSession.objects.end(user)
        detail = {"kinds": kinds, "sessions": ended, "why": reason}
        record(Line.about(user, "user.second_factor_reset", actor, detail))
    return len(kinds)
