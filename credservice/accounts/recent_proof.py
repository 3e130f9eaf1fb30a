"""Re-authenticates an operator whose last proof is too long ago.

Set-up that lets somebody in, or shows a secret, asks for it: by ``needs_proof`` of a page or of a list's forms. A
reveal asks at each act instead, see :mod:`credservice.accounts.proof`.
"""

import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from credservice.accounts.middleware import must_set_up
from credservice.accounts.oidc.marks import arrival
from credservice.accounts.oidc.tokens import SKEW
from credservice.accounts.sessions import STARTED

_LATE = "console_sent_too_late"  # set on a request whose form is only shown again; true once one has been refused


def is_proven(request: HttpRequest) -> bool:
    """Tell whether this session's user signed in, or re-authenticated, within the last PROOF_SECONDS."""
    return time.time() - _proven_at(request) < settings.PROOF_SECONDS


def confirm_url(request: HttpRequest, *, form_waits: bool = False) -> str:
    """Find the page that asks for a password, code or passkey, and leads back here.

    ``form_waits``: in another tab, with what was typed. Then it leads to a page that says to go back there.
    """
    back = request.get_full_path()
    if form_waits:
        back = f"{reverse('account_confirmed')}?{urlencode({'next': back})}"
    return f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"


def ask_for_proof(request: HttpRequest) -> HttpResponse | None:
    """Lead to the proof; None where it is recent. What was sent is kept nowhere: it may hold a secret."""
    return None if is_proven(request) else HttpResponseRedirect(confirm_url(request))


def sent_too_late(
    request: HttpRequest, elsewhere: HttpResponse, show: Callable[[], HttpResponse] | None = None
) -> HttpResponse:
    """Answer a request that :func:`ask_for_proof` leads ``elsewhere``; a form is shown again by ``show``, as typed.

    ``show`` answers as usual, and its forms ask :func:`refuse_late`. Whatever it writes is undone, and its answer
    counts only where one of them was refused: so nothing is done without a proof by a page that forgets to ask.
    """
    if request.method != "POST":
        return elsewhere
    if show is not None:
        setattr(request, _LATE, False)
        with transaction.atomic():
            shown = show()
            transaction.set_rollback(True)
        if getattr(request, _LATE):
            return shown
    sentence = "Nothing was done: too long has passed since your sign-in. Confirm that it is you, and send it anew."
    messages.warning(request, sentence)
    return elsewhere


def is_late(request: HttpRequest) -> bool:
    """Tell whether what this request sends came too late to be done: its form is only to be shown again."""
    return hasattr(request, _LATE)


def refuse_late(request: HttpRequest, form: BaseForm) -> bool:
    """Refuse a form that came too late, with how to save it all the same. Tells whether it did.

    Nothing else of it is checked: a check may count a try, use up a code, or tell whether a password was right.
    """
    if not is_late(request):
        return False
    setattr(request, _LATE, True)
    form._errors, form.cleaned_data = ErrorDict(renderer=form.renderer), {}  # type: ignore[attr-defined]
    sentence = (
        'Nothing is saved yet: too long has passed since your sign-in. <a class="text-link" href="{}" '
        'target="_blank">Confirm that it is you</a> in a new tab, then save again in this one.'
    )
    form.add_error(None, ValidationError(format_html(sentence, confirm_url(request, form_waits=True))))
    return True


def _proven_at(request: HttpRequest) -> float:
    """Find the time of the last proof, in seconds since 1970; 0 where there is none."""
    records = get_authentication_records(request, request.user)
    proofs = [float(record["at"]) for record in records if record.get("reauthenticated") or record["method"] == "mfa"]
    return max([0.0, *proofs, *_signed_in_at(request)])


def _signed_in_at(request: HttpRequest) -> list[float]:
    """Find when this session's user showed who they are at the sign-in.

    A provider may have let them in by a session that had been open there for days: what counts is when they signed in
    there, if it says so. The start is enough to set up the first second factor, without which nothing else can be done.
    """
    came = arrival(request)
    if came and not must_set_up(request):
        now = time.time()
        return [min(float(came.auth_time), now)] if came.auth_time <= now + SKEW else []
    started = request.session.get(STARTED) if request.user.is_authenticated else None
    return [datetime.fromisoformat(started).timestamp()] if started else []
