"""Tells the vendor of a credential's life (docs/events.md): ids, names, states and times; never a value."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from credservice.credentials.models import STUCK_AFTER, Credential, CredentialPolicy
from credservice.events.bulk_emit import Telling, emit_many
from credservice.events.emit import emit, is_wanted
from credservice.events.models import Event

# Of what a credential was made for. Features are the customer's own words, and stay here.
CONTEXT = ("end_user", "external_id", "integration", "installation", "resource", "product", "plan", "region")
BATCH = 500


def tell(type_: str, credential: Credential, **more: Any) -> None:
    """Emit an event about a credential, in the caller's transaction."""
    if not is_wanted(type_):
        return
    emit(
        type_,
        object_type="credential",
        object_id=credential.pk,
        subject=credential.subject,
        **_facts(credential),
        **more,
    )


def _facts(credential: Credential) -> dict[str, Any]:
    about = {name: value for name in CONTEXT if (value := credential.context.get(name)) not in ("", None)}
    return {
        "line": str(credential.line),
        "policy": credential.policy.name,
        "state": str(credential.state),
        "hint": credential.hint,
        "expires_at": _time(credential.expires_at),
        "context": about,
    }


def first_made(credentials: Sequence[Credential]) -> None:
    """Tell that these are made, each the first of its line: one statement for all of them."""
    if is_wanted("credential.issued"):
        emit_many(
            "credential.issued",
            object_type="credential",
            about=[Telling(str(each.pk), each.subject, _facts(each)) for each in credentials],
        )


def made(credential: Credential, *, recovered: bool) -> None:
    if credential.predecessor_id is None:
        tell("credential.issued", credential)
    else:
        tell("credential.rotated", credential, predecessor=str(credential.predecessor_id))
    if recovered:
        tell("credential.issue_recovered", credential)


def issue_failed(credential: Credential, *, final: bool) -> None:
    """Tell that it was not made; ``final``: and never will be."""
    tell("credential.issue_failed", credential, final=final)


def revocation_stuck(credential: Credential) -> None:
    tell("credential.revocation_stuck", credential, attempts=credential.attempts)


def ended(credential: Credential) -> None:
    type_ = "credential.expired" if credential.state == Credential.State.EXPIRED else "credential.revoked"
    tell(type_, credential, **_what_is_left(credential))


def end_confirmed(credential: Credential) -> None:
    tell("credential.end_confirmed", credential, **_what_is_left(credential))


def leaked(credential: Credential) -> None:
    """Tell that it was reported as leaked: once, in the state that this has left it in."""
    tell("credential.leaked", credential, **_what_is_left(credential))


def _what_is_left(credential: Credential) -> dict[str, str | None]:
    """Tell what may be left of it outside, and whether that has leaked, as the vendor API does."""
    return {"outside": str(credential.outside), "leaked_at": _time(credential.leaked_at)}


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def tell_expiring() -> None:
    """Tell of what will end within ``EVENT_EXPIRING_DAYS``, and nothing renews before: once for each credential."""
    while is_wanted("credential.expiring"):
        batch = list(_expiring()[:BATCH])
        with transaction.atomic():
            for credential in batch:
                tell("credential.expiring", credential)
        if len(batch) < BATCH:
            return


def _expiring() -> Any:
    """Find them, but for those that live for less than this anyway and would be expiring from their first day on."""
    window, now = timedelta(days=settings.EVENT_EXPIRING_DAYS), timezone.now()
    told = Event.objects.filter(type="credential.expiring", object_id=OuterRef("key"))
    soon = Credential.objects.select_related("policy").filter(
        Q(rotates_at=None) | Q(rotates_at__gte=F("expires_at")),
        state=Credential.State.ACTIVE,
        expires_at__gt=now,
        expires_at__lte=now + window,
        activated_at__lt=F("expires_at") - window,
    )
    return soon.annotate(key=Cast("pk", TextField())).filter(~Exists(told)).order_by("expires_at")


def tell_examples() -> None:
    """Tell of a made-up credential's life: see :mod:`credservice.events.examples`."""
    first = _example("active")
    made(first, recovered=True)
    made(_example("active", predecessor_id=first.pk, line=first.line), recovered=False)
    tell("credential.expiring", _example("active", expires_at=timezone.now() + timedelta(days=3)))
    leaked(_example("active", leaked_at=timezone.now()))
    ended(_example("revoked", outside="leaked", leaked_at=timezone.now()))
    end_confirmed(_example("revoked", outside="confirmed", leaked_at=timezone.now()))
    ended(_example("expired", expires_at=timezone.now()))
    issue_failed(_example("pending", hint="", expires_at=None), final=False)
    revocation_stuck(_example("retiring", attempts=STUCK_AFTER))


def _example(state: str, **more: Any) -> Credential:
    facts: dict[str, Any] = {
        "policy": CredentialPolicy(name="api-keys"),
        "state": state,
        "line": uuid4(),
        "subject": f"end_user:{uuid4()}",
        "hint": "ak_3f…9c",
        "expires_at": timezone.now() + timedelta(days=90),
        "context": {"external_id": "cust-globex", "end_user": "enduser_456def", "integration": "int_abc123"},
    }
    return Credential(**facts | more)
