"""Gives each form a random id that is used up with its act, so that neither a reload nor a double click repeats it."""

from uuid import uuid4

from django.core import signing
from django.http import HttpRequest

from credservice.adminkit.models import SentForm
from credservice.core.exceptions import Conflict

FORM_HOURS = 12
SENT_BEFORE = "This form was sent before, and was done then. Send it again only to do it once more."


def new_form_id(request: HttpRequest, version: str = "") -> str:
    """Make an id that is good for this user, this page, a working day, and the object's present ``version``."""
    return signing.dumps([uuid4().hex, version], salt=_salt(request))


def use_up(request: HttpRequest, version: str = "", state: str = "", present: str = "") -> None:
    """Take the sent form's id, in the caller's transaction.

    Raises :class:`Conflict` for one that is used or old, or was made for another ``version`` of the object. It says
    what is ``present`` where the version's beginning, which is ``state``, is another.
    """
    try:
        sent, seen = signing.loads(request.POST.get("form_id", ""), salt=_salt(request), max_age=FORM_HOURS * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        raise Conflict("This form was open for too long. Check it and send it again.") from None
    if not SentForm.objects.take(sent):
        raise Conflict(SENT_BEFORE)
    if seen != version:
        now = f": {present}" if present and not seen.startswith(state) else ""
        raise Conflict(
            f"It has changed since you opened this page{now}. Look at it again; send the form if it still holds."
        )


def was_sent(request: HttpRequest) -> bool:
    """Tell whether the sent form was acted upon before: by a reload of its answer, or a second click."""
    try:
        sent, _ = signing.loads(request.POST.get("form_id", ""), salt=_salt(request))
    except (signing.BadSignature, ValueError, TypeError):
        return False
    return SentForm.objects.filter(form_id=sent).exists()


def _salt(request: HttpRequest) -> str:
    return f"console.form:{request.user.pk}:{request.path}"
