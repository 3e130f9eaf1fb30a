"""Creates an end user at MindCloud, once, and mints tokens for its browser.

MindCloud creates another user for each request and offers no look-up by ``externalId``, so its API cannot tell what
became of a request whose answer was lost. Such a creation is kept as unsettled and never repeated by us: a person looks
at MindCloud and says whether the user is there (the console), or the vendor registers the id that it has.
"""

from contextlib import ExitStack, suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Forbidden, Invalid, NotFound, ServiceError, Unavailable
from credservice.core.names import fault_of_name
from credservice.credentials import bulkhead
from credservice.credentials.locks import credential_lock, credential_lock_is_held
from exchange.lookups import find_end_user
from exchange.mindcloud.client import OutcomeUnknown, create_user
from exchange.mindcloud.client import mint_token as ask_for_token
from exchange.models import MAX_ID, EndUser, Platform, UnsettledEndUser
from exchange.services.end_users import upsert_end_user

PLACE_SECONDS = 1.0
DIED = "the process that asked ended before the answer"


class Unsettled(Conflict):
    code = "creation_unsettled"


@dataclass(frozen=True)
class BrowserToken:
    """A short-lived token of MindCloud's for one end user."""

    end_user: EndUser
    text: str


def mint_token(
    *, platform: Platform, external_id: str, actor: str, may_create: bool, name: str = "", email: str = ""
) -> BrowserToken:
    """Mint a token for this end user's browser. A missing one is created at MindCloud first, where the caller may.

    Not in a transaction: MindCloud is called. Raises NotFound where it is missing and ``may_create`` is false,
    Forbidden for what is suspended, :class:`Unsettled`, and what :mod:`exchange.mindcloud.client` raises.
    """
    if not platform.is_active:
        raise Forbidden(f"Platform {platform.name} is suspended.", code="suspended")
    # MindCloud may be slow, as an issuer may: no more threads wait for it, and the doors go on answering.
    with bulkhead.place(wait=PLACE_SECONDS):
        if may_create:
            end_user = end_user_for(platform=platform, external_id=external_id, actor=actor, name=name, email=email)
        else:
            end_user = find_end_user(platform, external_id)
        if not end_user.is_active:
            raise Forbidden("This end user is suspended.", code="suspended")
        text = ask_for_token(platform, end_user.end_user_id)
    detail = {"platform": platform.name, "external_id": end_user.external_id}
    record(Line.about(end_user, "end_user.token_minted", actor, detail))
    return BrowserToken(end_user, text)


def end_user_for(*, platform: Platform, external_id: str, actor: str, name: str = "", email: str = "") -> EndUser:
    """Find the end user of ``external_id``, or create it at MindCloud. Raises as above."""
    with suppress(NotFound):
        return find_end_user(platform, external_id)
    fault = fault_of_name(external_id)
    if fault:
        raise Invalid(f"The external_id {fault}.")
    intent = _intent(platform, external_id, name)
    with ExitStack() as stack:
        try:
            stack.enter_context(credential_lock(intent.pk))
        except Unavailable:
            raise Unavailable("The end user is being created at MindCloud. Try again shortly.", retry_after=2) from None
        return _known(platform, external_id) or _create(intent, name, email, actor)


def settle_created(*, intent: UnsettledEndUser, end_user_id: str, actor: str, reason: str) -> EndUser:
    """Register the user that a person found at MindCloud as the end user of this ``external_id``."""
    end_user_id = end_user_id.strip()
    if not 0 < len(end_user_id) <= MAX_ID or fault_of_name(end_user_id):
        raise Invalid("Write the userId that MindCloud shows.")
    with transaction.atomic():
        intent = _settled(intent)
        found = _keep(intent, end_user_id, actor)
        detail = {"platform": intent.platform.name, "created": True, "why": reason}
        record(Line.about(found, "end_user.creation_settled", actor, detail))
    return found


def settle_not_created(*, intent: UnsettledEndUser, actor: str, reason: str) -> None:
    """Forget the attempt, where a person found no such user at MindCloud: the next request creates it."""
    with transaction.atomic():
        intent = _settled(intent)
        detail = {"platform": intent.platform.name, "external_id": intent.external_id, "why": reason}
        record(Line("end_user.creation_settled", actor, object_type="end_user", detail=detail))
        intent.delete()


def _known(platform: Platform, external_id: str) -> EndUser | None:
    return EndUser.objects.filter(platform=platform, external_id=external_id).first()


def _intent(platform: Platform, external_id: str, name: str) -> UnsettledEndUser:
    """Make its row, committed before anything is sent; whoever else comes at the same time finds it."""
    intents = UnsettledEndUser.objects.select_related("platform")
    return intents.get_or_create(platform=platform, external_id=external_id, defaults={"name": name})[0]


def _create(intent: UnsettledEndUser, name: str, email: str, actor: str) -> EndUser:
    """Ask MindCloud, once. In the hands of one caller at a time, who holds the intent's lock."""
    if not UnsettledEndUser.objects.filter(pk=intent.pk, sent_at=None).update(sent_at=timezone.now()):
        _refuse_unsettled(intent)
    content = {"externalId": intent.external_id, "name": name, "email": email}
    try:
        user_id = create_user(intent.platform, {key: value for key, value in content.items() if value})
    except OutcomeUnknown as error:
        _keep_unsettled(intent, str(error), actor)
        raise _unsettled(intent) from None
    except ServiceError:
        intent.delete()  # nothing was created: the next request may ask again
        raise
    try:
        with transaction.atomic():
            return _keep(intent, user_id, actor)
    except Conflict:
        _keep_unsettled(intent, f"it answered {user_id}, which is another end user's", actor)
        raise _unsettled(intent) from None


def _keep(intent: UnsettledEndUser, end_user_id: str, actor: str) -> EndUser:
    """Keep the id and end the intent, in one transaction."""
    end_user, _ = upsert_end_user(
        platform=intent.platform,
        external_id=intent.external_id,
        end_user_id=end_user_id,
        name=intent.name or None,
        actor=actor,
    )
    detail = {"platform": intent.platform.name, "external_id": intent.external_id}
    record(Line.about(end_user, "end_user.created_at_mindcloud", actor, detail))
    UnsettledEndUser.objects.filter(pk=intent.pk).delete()
    return end_user


def _refuse_unsettled(intent: UnsettledEndUser) -> None:
    """Refuse what somebody sent before us, and whose answer never came; or what was settled in this moment."""
    now = UnsettledEndUser.objects.filter(pk=intent.pk).first()
    if now is None:
        raise Unavailable("The end user was being created. Try again.", retry_after=1)
    if not now.why:
        UnsettledEndUser.objects.filter(pk=intent.pk).update(why=DIED)
    raise _unsettled(intent)


def _unsettled(intent: UnsettledEndUser) -> Unsettled:
    return Unsettled(
        f"It is not known whether MindCloud created {intent.external_id}: it was asked, and no answer came that could "
        "be understood. It must not be created twice. Look at MindCloud and settle it in the console, or register the "
        "end user with its id there."
    )


def _keep_unsettled(intent: UnsettledEndUser, why: str, actor: str) -> None:
    with transaction.atomic():
        UnsettledEndUser.objects.filter(pk=intent.pk).update(why=why[:255])
        detail = {"platform": intent.platform.name, "external_id": intent.external_id, "why": why}
        line = Line.about(intent, "end_user.creation", actor, detail, outcome="failed", reason="outcome_unknown")
        record(line)


def _settled(intent: UnsettledEndUser) -> UnsettledEndUser:
    """Lock the row. Raises :class:`Conflict` while it is being asked for, or where it is settled by now."""
    rows = UnsettledEndUser.objects.select_for_update(of=("self",)).select_related("platform")
    found = rows.filter(pk=intent.pk).first()
    if found is None:
        raise Conflict("It is settled already.")
    if credential_lock_is_held(intent.pk):
        raise Conflict("MindCloud is being asked at this moment. Look again in a minute.")
    return found
