"""Registers, changes, suspends and resumes end users; approves, suspends and resumes installations.

Each is one row's work, for one call as for a line of a bulk import.
"""

from collections.abc import Mapping
from typing import Any, Literal

from django.db import IntegrityError, transaction

from credservice.audit import Line, record
from credservice.audit.state_change import change_state
from credservice.core.exceptions import Conflict, Invalid
from credservice.core.names import fault_of_name
from credservice.credentials.services import set_suspended, update_context
from exchange.models import MAX_ID, EndUser, Installation, Platform
from exchange.services import events
from exchange.services.customer_answers import AnswersWouldChange, foretell_attributes

Outcome = Literal["created", "changed", "unchanged"]
State = Installation.State


def upsert_end_user(
    *,
    platform: Platform,
    external_id: str,
    actor: str,
    end_user_id: str | None = None,
    name: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    accept_changed_answers: bool = False,
) -> tuple[EndUser, Outcome]:
    """See to it that the platform has an end user of the vendor's ``external_id``, with these facts.

    What is ``None`` stays as it is; ``attributes`` are all that it has from now on. An end user that is known by
    ``end_user_id`` alone becomes the vendor's; one that has an ``external_id`` keeps it
    (:mod:`exchange.services.rebinding`). Raises :class:`Invalid` where an id is too long or none, or a new one has no
    ``end_user_id``, :class:`Conflict` where that is another's, or another than it has: the platform's id of an end user
    never changes. Raises :class:`AnswersWouldChange` where installations are answered today, and would not be without
    attributes that are left out, unless the caller accepts that.
    """
    if len(external_id) > MAX_ID:
        raise Invalid(f"An external_id has at most {MAX_ID} characters.", pointer="/external_id")
    facts = {"name": name, "attributes": None if attributes is None else dict(attributes)}
    given = {field: value for field, value in facts.items() if value is not None}
    _refuse_fault("name", name or "")
    with transaction.atomic():
        found = _locked(platform, external_id, end_user_id)
        if found is None:
            found = _created(platform, external_id, end_user_id, given, actor)
            if found is not None:
                return found, "created"
            found = _locked(platform, external_id, end_user_id)  # somebody else was first
        if found is None:
            raise Conflict("Another end user has this end_user_id by now.")
        return found, _changed(found, external_id, end_user_id, given, actor, accept_changed_answers)


def suspend_end_user(*, end_user: EndUser, actor: str, why: str = "") -> None:
    """Refuse its exchanges, and have its keys check as not good. Repeating it is harmless."""
    _switch_end_user(end_user, active=False, verb="suspended", actor=actor, why=why)


def resume_end_user(*, end_user: EndUser, actor: str, why: str = "") -> None:
    """Answer its exchanges again. Repeating it is harmless."""
    _switch_end_user(end_user, active=True, verb="resumed", actor=actor, why=why)


def approve_installation(*, installation: Installation, actor: str, why: str = "") -> None:
    """Have a waiting installation, or one that was refused, handed its end user's credential.

    Raises :class:`Conflict` for a suspended one.
    """
    with transaction.atomic():
        if _switch(installation, (State.PENDING, State.REFUSED), State.ACTIVE, "approved", actor, why):
            events.approved(installation)


def refuse_installation(*, installation: Installation, actor: str, why: str = "") -> None:
    """Keep a waiting installation out for good: an approval alone lets it in. Raises :class:`Conflict` for others."""
    _switch(installation, (State.PENDING,), State.REFUSED, "refused", actor, why)


def suspend_installation(*, installation: Installation, actor: str, why: str = "") -> None:
    """Refuse its exchanges. Raises :class:`Conflict` for one that was never approved: resumed, it would be let in."""
    _switch(installation, (State.ACTIVE,), State.SUSPENDED, "suspended", actor, why)


def resume_installation(*, installation: Installation, actor: str, why: str = "") -> None:
    """Answer its exchanges again. Raises :class:`Conflict` for one that waits for approval or was refused."""
    _switch(installation, (State.SUSPENDED,), State.ACTIVE, "resumed", actor, why)


def _locked(platform: Platform, external_id: str, end_user_id: str | None) -> EndUser | None:
    """Lock the vendor's end user, or the platform's that is nobody's yet. The weaker lock: grants may refer to it."""
    rows = EndUser.objects.select_for_update(no_key=True).filter(platform=platform)
    found = rows.filter(external_id=external_id).first()
    if found is None and end_user_id:
        found = rows.filter(end_user_id=end_user_id).first()
        if found is not None and found.external_id not in ("", external_id):  # it may have come in this moment
            raise Conflict(f"The end user with this end_user_id is another one of yours: {found.external_id}.")
    return found


def _created(
    platform: Platform, external_id: str, end_user_id: str | None, given: Mapping[str, Any], actor: str
) -> EndUser | None:
    """Make a new one; ``None`` where somebody else made it in this moment."""
    if not end_user_id:
        raise Invalid("A new end user needs the id that the platform knows it by (endUserId).", pointer="/end_user_id")
    _refuse_fault("external_id", external_id)
    _refuse_fault("end_user_id", end_user_id)
    end_user = EndUser(platform=platform, external_id=external_id, end_user_id=end_user_id, **given)
    try:
        with transaction.atomic():
            end_user.save(force_insert=True)
    except IntegrityError:
        return None
    record(end_user_line("end_user.created", end_user, actor, sorted(given)))
    return end_user


def _changed(
    end_user: EndUser, external_id: str, end_user_id: str | None, given: Mapping[str, Any], actor: str, accepts: bool
) -> Outcome:
    if end_user_id not in (None, "", end_user.end_user_id):
        raise Conflict(f"The end_user_id of this end user is {end_user.end_user_id}, and never changes.")
    wanted = {"external_id": external_id, **given}
    changes = {field: value for field, value in wanted.items() if getattr(end_user, field) != value}
    if not changes:
        return "unchanged"
    if "external_id" in changes:
        _refuse_fault("external_id", external_id)  # one that was stored before the rule stays
    impact = foretell_attributes(end_user, changes.get("attributes", end_user.attributes))
    if impact and not accepts:
        raise AnswersWouldChange(impact)
    for field, value in changes.items():
        setattr(end_user, field, value)
    end_user.save(update_fields=list(changes))
    if "external_id" in changes:
        update_context(subject=end_user.subject, external_id=external_id)
    accepted = {"accepted_changed_answers": impact.counts()} if impact else {}
    record(end_user_line("end_user.changed", end_user, actor, sorted(changes), accepted))
    return "changed"


def _refuse_fault(field: str, text: str) -> None:
    fault = fault_of_name(text)
    if fault:
        raise Invalid(f"The {field} {fault}.", pointer=f"/{field}")


def _switch_end_user(end_user: EndUser, *, active: bool, verb: str, actor: str, why: str) -> None:
    if end_user.is_active == active:
        return
    with transaction.atomic():
        change_state(
            obj=end_user,
            field="is_active",
            source=(not active,),
            target=active,
            verb=verb,
            actor=actor,
            why=why,
            platform=end_user.platform.name,
        )
        set_suspended(subject=end_user.subject, suspended=not active)


def _switch(
    installation: Installation, source: tuple[State, ...], target: State, verb: str, actor: str, why: str
) -> bool:
    """Change the state. Returns whether that changed anything."""
    if installation.state == target:
        return False
    if installation.state not in source:
        raise Conflict(f"This installation is {State(installation.state).label.lower()}, and cannot be {verb}.")
    change_state(obj=installation, field="state", source=source, target=target, verb=verb, actor=actor, why=why)
    return True


def end_user_line(
    action: str, end_user: EndUser, actor: str, fields: list[str], more: Mapping[str, Any] | None = None
) -> Line:
    """Write the line in the trail about what was done to an end user."""
    detail = {"external_id": end_user.external_id, "end_user": end_user.end_user_id, "fields": fields}
    return Line.about(end_user, action, actor, {**detail, **(more or {})})
