"""Makes, takes and ends invitations. The link's text is shown once, good once, and kept as a keyed digest alone."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from credservice.accounts.models import Invitation
from credservice.audit import Line, record
from credservice.core.api_keys import make_key
from credservice.core.exceptions import Conflict
from credservice.crypto import digest

PREFIX, ENVIRONMENT = "csi", "v1"
MAX_CODE = 128
ENDED = "This invitation is taken, ended or expired, or there never was one. Ask for a new one."


def make_invitation(*, invited: str, roles: Iterable[Group], days: int, by: Any, actor: str) -> tuple[Invitation, str]:
    """Invite somebody; returns the invitation with the code of its link, which is shown this once."""
    code = make_key(PREFIX, ENVIRONMENT)
    with transaction.atomic():
        made = Invitation.objects.create(
            digest=_digest(code), invited=invited, made_by_id=by.pk, expires_at=timezone.now() + timedelta(days=days)
        )
        made.roles.set(roles)
        detail = {"invited": invited, "roles": _names(made), "expires_at": made.expires_at.isoformat()}
        record(Line.about(made, "invitation.made", actor, detail))
    return made, code


def end_invitation(*, invitation: Invitation, actor: str) -> None:
    """End one that nobody has taken. Repeating it is harmless."""
    with transaction.atomic():
        if Invitation.objects.open().filter(pk=invitation.pk).update(ended_at=timezone.now()):
            record(Line.about(invitation, "invitation.ended", actor, {"invited": invitation.invited}))


def end_invitations_of(maker: User, *, actor: str) -> None:
    """End what somebody made who may not sign in any more: for good, whoever lets them in again."""
    for invitation in Invitation.objects.open().filter(made_by=maker):
        end_invitation(invitation=invitation, actor=actor)


def find_invitation(code: str) -> Invitation | None:
    """Find the open invitation of this code, while whoever made it is here."""
    found = Invitation.objects.open().filter(digest=_digest(code[:MAX_CODE])).select_related("made_by").first()
    return found if found is not None and _is_here(found.made_by) else None


def take_invitation(*, code: str, user: User, may_give: Callable[[Any, Group], bool]) -> User:
    """Save ``user`` with the invitation's roles, once. Raises :class:`Conflict` where it cannot be taken any more.

    Whoever made it must still be allowed to give those roles, by ``may_give``: an administrator who was removed
    leaves no way in behind. Of one who signs in by a provider that is known for as long as a session may last.
    """
    with transaction.atomic():
        row = Invitation.objects.open().select_for_update(of=("self",)).filter(digest=_digest(code)).first()
        if row is None or not _is_here(row.made_by) or not all(may_give(row.made_by, role) for role in row.roles.all()):
            raise Conflict(ENDED)
        user.is_staff = True
        user.save()
        user.groups.set(row.roles.all())
        row.taken_at, row.taken_by = timezone.now(), user
        row.save(update_fields=["taken_at", "taken_by"])
        detail = {"invited": row.invited, "roles": _names(row), "user": user.pk}
        record(Line.about(row, "invitation.taken", f"user:{user.get_username()}", detail))
    return user


def _is_here(maker: User) -> bool:
    """Tell whether an account is in use. Who was removed at a provider just never signs in by it again."""
    if not SocialAccount.objects.filter(user=maker).exists():
        return maker.is_active
    session = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return maker.is_active and maker.last_login is not None and maker.last_login > timezone.now() - session


def _names(invitation: Invitation) -> list[str]:
    return sorted(invitation.roles.values_list("name", flat=True))


def _digest(code: str) -> bytes:
    return digest(code, "invitation")
