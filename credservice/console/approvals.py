"""A second person's approval: asked for with a reason, given by somebody else who may do the act himself, used once.

It is bound to one act, one object (a bulk run has its objects noted down) and the person who asked; and it ends by
itself. It is looked at again, and used up, in the transaction of the act.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from credservice.audit import record
from credservice.console.models import Approval, FourEyes
from credservice.exceptions import Conflict, Forbidden, Invalid

State = Approval.State
ACTS = {"reveal": "Reveals", "bulk_revoke": "Revocations in bulk"}


def required(act: str) -> bool:
    """Whether this act needs a second person now: by the settings, or switched on in the console."""
    if act in settings.FOUR_EYES:
        return True
    row = FourEyes.objects.filter(pk=1).first()
    return row is not None and bool(getattr(row, act, False))


def find(act: str, obj: Model, user: Any) -> Approval | None:
    """What this person has open for this act on this object."""
    found = Approval.objects.filter(**_place(act, obj), asked_by=user, state__in=Approval.OPEN)
    return found.filter(expires_at__gt=timezone.now()).select_related("decided_by").first()


def ask(*, act: str, obj: Model, permission: str, user: Any, title: str, values: dict[str, Any]) -> Approval:
    """Raises :class:`Invalid` without a reason, :class:`Conflict` where this person has asked already."""
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
        _record(asked, "asked", user, values)
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
        _record(found, found.state, user, {"asked_by": found.asked_by.get_username(), "answer": answer})


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
    _record(found, "used", user, {"approved_by": str(found.decided_by)})
    return found


def may_decide(approval: Approval, user: Any) -> bool:
    """Never who asked; and only who could do the act."""
    return bool(
        user is not None and user.is_active and user.pk != approval.asked_by_id and user.has_perm(approval.permission)
    )


def approvals_waiting(user: Any) -> list[Approval]:
    """What waits for this person's decision, the longest first."""
    open_ones = Approval.objects.filter(state=State.WAITING, expires_at__gt=timezone.now())
    found = open_ones.exclude(asked_by=user.pk).select_related("asked_by").order_by("asked_at")[:200]
    return [approval for approval in found if may_decide(approval, user)]


def _place(act: str, obj: Model) -> dict[str, str]:
    return {"act": act, "object_type": obj._meta.label_lower, "object_id": str(obj.pk)}


def _record(approval: Approval, verb: str, user: Any, detail: dict[str, Any]) -> None:
    about = {"act": approval.act, "title": approval.title, "of": f"{approval.object_type} {approval.object_id}"}
    record(
        action=f"approval.{verb}",
        actor=f"user:{user.get_username()}",
        object_type="approval",
        object_id=approval.pk,
        detail=about | detail,
    )
