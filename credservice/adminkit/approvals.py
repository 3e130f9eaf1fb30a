"""Asks for, gives and uses up a second person's approval: of somebody else who may do the act himself, good once.

It is bound to one act, one object (a bulk run has its objects noted down) and the person who asked; and it ends by
itself. It is looked at again, and used up, in the transaction of the act.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from credservice.adminkit.models import Approval, FourEyes
from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Forbidden, Invalid

State = Approval.State
ACTS = {"reveal": "Reveals", "bulk_revoke": "Revocations in bulk"}


def required(act: str) -> bool:
    """Tell whether this act needs a second person now: by the settings, or switched on in the console."""
    if act in settings.FOUR_EYES:
        return True
    row = FourEyes.objects.filter(pk=1).first()
    return row is not None and bool(getattr(row, act, False))


def find(act: str, obj: Model, user: Any) -> Approval | None:
    """Find what this person has open for this act on this object."""
    found = Approval.objects.filter(**_place(act, obj), asked_by=user, state__in=Approval.OPEN)
    return found.filter(expires_at__gt=timezone.now()).select_related("decided_by").first()


def ask(*, act: str, obj: Model, permission: str, user: Any, title: str, values: dict[str, Any]) -> Approval:
    """Ask for an approval.

    Raises :class:`Invalid` without a reason, :class:`Conflict` where this person has asked already.
    """
    if len(str(values.get("why", "")).strip()) < 3:
        raise Invalid("Say why: the other person decides by it, and it is kept in the audit trail.")
    with transaction.atomic():
        open_ones = Approval.objects.filter(**_place(act, obj), asked_by=user, state__in=Approval.OPEN)
        open_ones.filter(expires_at__lte=timezone.now()).update(state=State.EXPIRED)
        if open_ones.exists():
            raise Conflict("You have asked for this already.")
        asked = Approval.objects.create(
            **_place(act, obj),
            permission=permission,
            title=title[:255],
            values=values,
            asked_by=user,
            expires_at=timezone.now() + Approval.LASTS,
        )
        record(Line.about(asked, "approval.asked", f"user:{user.get_username()}", values))
    return asked


def decide(approval: Approval, *, user: Any, approve: bool, answer: str = "") -> None:
    """Approve or decline, as another person than the one who asked.

    Raises :class:`Forbidden` for that person, and for whoever may not do the act; :class:`Conflict` where it is decided
    already, or over.
    """
    with transaction.atomic():
        found = Approval.objects.select_for_update(of=("self",)).get(pk=approval.pk)
        if not may_decide(found, user):
            raise Forbidden("Somebody else must decide this: another person than who asked, who may do the same.")
        if found.state != State.WAITING or not found.is_open():
            raise Conflict("This is decided already, or its time is over. Nothing was changed.")
        found.state = State.APPROVED if approve else State.DECLINED
        found.decided_by, found.decided_at, found.answer = user, timezone.now(), answer[:200]
        found.expires_at = found.decided_at + Approval.LASTS
        found.save()
        detail = {"asked_by": found.asked_by.get_username(), "answer": answer}
        record(Line.about(found, f"approval.{found.state}", f"user:{user.get_username()}", detail))


def take(act: str, obj: Model, user: Any) -> Approval:
    """Use up the approval of this act, in the caller's transaction. Raises :class:`Conflict` where there is none."""
    found = (
        Approval.objects.select_for_update(of=("self",))
        .filter(**_place(act, obj), asked_by=user, state=State.APPROVED, expires_at__gt=timezone.now())
        .select_related("decided_by")
        .first()
    )
    if found is None or not may_decide(found, found.decided_by):
        raise Conflict("A second person must approve this first. Ask again: an approval is good once, for an hour.")
    found.state = State.USED
    found.save(update_fields=["state"])
    detail = {"approved_by": str(found.decided_by)}
    record(Line.about(found, "approval.used", f"user:{user.get_username()}", detail))
    return found


def may_decide(approval: Approval, user: Any) -> bool:
    """Tell whether ``user`` could do the act, and is not who asked."""
    return bool(
        user is not None and user.is_active and user.pk != approval.asked_by_id and user.has_perm(approval.permission)
    )


def approvals_waiting(user: Any) -> list[Approval]:
    """List what waits for this person's decision, the longest first."""
    open_ones = Approval.objects.filter(state=State.WAITING, expires_at__gt=timezone.now())
    found = open_ones.exclude(asked_by=user.pk).select_related("asked_by").order_by("asked_at")[:200]
    return [approval for approval in found if may_decide(approval, user)]


def approvals_come(user: Any) -> list[Approval]:
    """List what was decided of this person's requests and is not used up or over, the newest first."""
    mine = Approval.objects.filter(asked_by=user.pk, state__in=[State.APPROVED, State.DECLINED])
    return list(mine.filter(expires_at__gt=timezone.now()).order_by("-decided_at")[:200])


def _place(act: str, obj: Model) -> dict[str, str]:
    return {"act": act, "object_type": obj._meta.label_lower, "object_id": str(obj.pk)}
