"""Makes credentials as the vendor orders them, and sets them to values that it sends."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from credservice.core.exceptions import Invalid
from credservice.credentials.hooks import find_subject
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.reused_values import opened
from credservice.credentials.services import rotate, start_issue
from credservice.credentials.transitions import no_time


def create_credential(
    *,
    policy: CredentialPolicy,
    subject: str,
    context: Mapping[str, Any],
    values: Mapping[str, str] | None,
    actor: str,
) -> Credential:
    """Make a credential that no grant hands out: active, or pending where its issuer is elsewhere (``finish_issue``).

    ``subject`` is whose it is, ``end_user:ID`` or ``resource:ID`` by our ids, or empty; its own facts are added to
    ``context``. Raises :class:`Invalid` for an unknown subject, or values that do not fit the policy.
    """
    with transaction.atomic():
        owner = find_subject(subject)
        return start_issue(
            policy=policy,
            context=dict(context) | dict(owner.context),
            subject=subject,
            actor=actor,
            entered=values,
            suspended=owner.suspended,
        )


def put_credential(
    *,
    credential: Credential,
    values: Mapping[str, str],
    actor: str,
    policy: CredentialPolicy,
    overlap: timedelta | None = None,
) -> tuple[Credential, bool]:
    """See to it that a credential's line has these values. Returns what has them now, and True for a new one.

    Other values than the active one's make a successor by ``policy``; the present one stays good for ``overlap`` (the
    policy's by default). Where the credential retires and nothing is active, its own values make one, too. Raises
    :class:`Invalid` where the policy takes no values or others, :class:`Conflict` where the credential takes no
    successor.
    """
    with transaction.atomic():
        credential = Credential.objects.lock_one(credential, with_line=True)
        if policy.backend().generates:
            raise Invalid(f"Policy {policy.name!r} makes its credentials itself; it takes no values.")
        of_line = Credential.objects.filter(line=credential.line, state=Credential.State.ACTIVE)
        active = of_line.select_related("policy").first()
        # Also where this very call had made it. That another version has leaked is not to be lost by it.
        is_report = no_time(overlap) and credential != active and credential.leaked_at is None
        if active is not None and opened(active) == dict(values) and not is_report:
            return active, False
        return rotate(credential=credential, actor=actor, entered=values, overlap=overlap, policy=policy), True
