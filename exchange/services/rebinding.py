"""Re-binds an end user to another customer of the vendor's."""

from django.db import IntegrityError, transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.names import fault_of_name
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke
from exchange.models import MAX_ID, EndUser, Grant
from exchange.services.grants import withdraw_grant


def rebind_end_user(*, end_user: EndUser, external_id: str, actor: str, reason: str) -> EndUser:
    """Have the platform's end user be the vendor's customer ``external_id`` from now on.

    What was made for the customer before is not handed to this one: every grant is withdrawn and every credential of
    the end user ends. Name and attributes stay. Raises :class:`Invalid` for an unfit id or without a reason,
    :class:`Conflict` where it is this customer already, or the platform has another end user who is.
    """
    _check(external_id, reason)
    with transaction.atomic():
        # The lock of first exchanges and grants: none is made meanwhile by the old id.
        found = EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
        before, found.external_id = found.external_id, external_id
        if before == external_id:
            raise Conflict("It has this external_id already.")
        _save(found)
        ended = _end_all(found, actor, reason)
        detail = {"end_user": found.end_user_id, "external_id": {"from": before, "to": external_id}}
        record(Line.about(found, "end_user.rebound", actor, detail | {"why": reason, "credentials": ended}))
    return found


def _check(external_id: str, reason: str) -> None:
    if not 0 < len(external_id) <= MAX_ID or fault_of_name(external_id):
        raise Invalid(f"An external_id is a text of 1 to {MAX_ID} visible characters, with no blank at its ends.")
    if len(reason.strip()) < 3:
        raise Invalid("Say why the end user is re-bound; the reason is kept in the audit trail.")


def _save(end_user: EndUser) -> None:
    try:
        with transaction.atomic():
            end_user.save(update_fields=["external_id"])
    except IntegrityError:
        raise Conflict("Another end user of this platform has this external_id: re-bind that one first.") from None


def _end_all(end_user: EndUser, actor: str, reason: str) -> int:
    """End what the end user has; returns how many credentials. Without its grant a line has no successor either."""
    unended = list(Credential.objects.unended().filter(subject=end_user.subject).values_list("pk", flat=True))
    for grant in Grant.objects.filter(end_user=end_user).order_by("pk"):
        withdraw_grant(grant=grant, actor=actor, reason=reason)
    for credential in Credential.objects.unended().filter(subject=end_user.subject).lock():
        revoke(credential=credential, actor=actor, reason=reason)
    return len(unended)
