"""What a first exchange makes: the record of an installation, a grant and its credential. Once, whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from credservice.audit import record
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, refresh, start_issue, start_successor
from credservice.exceptions import Invalid, Unavailable
from credservice.issuers.base import IssuerUnavailable
from exchange import telling
from exchange.models import EndUser, Grant, Installation
from exchange.queries import PlatformRow
from exchange.refusals import NothingGranted, Suspended
from exchange.serializers import ExchangeIds

log = structlog.get_logger(__name__)

State = Credential.State


@dataclass(frozen=True, slots=True)
class Parties:
    """Our keys of a known integration and end user, both active."""

    integration: UUID
    policy: UUID
    end_user: UUID


def record_first_seen(*, platform: PlatformRow, parties: Parties, ids: ExchangeIds) -> None:
    """Record an installation of a known end user and integration, waiting for approval or active at once."""
    approved = platform.approve_installations
    state = Installation.State.ACTIVE if approved else Installation.State.PENDING
    with transaction.atomic():
        installation, created = Installation.objects.get_or_create(
            platform_id=platform.id,
            installation_id=ids.installation,
            defaults={"integration_id": parties.integration, "end_user_id": parties.end_user, "state": state},
        )
        if created:
            record(
                action="installation.first_seen",
                actor=f"platform:{platform.name}",
                object_type="installation",
                object_id=installation.pk,
                subject=f"end_user:{parties.end_user}",
                detail={"installation": ids.installation, "integration": ids.integration, "state": state},
            )
            telling.discovered(installation)


def make_credential(*, platform: PlatformRow, parties: Parties, installation: UUID, ids: ExchangeIds) -> None:
    """See to it that the narrowest grant has a usable credential, where an issuer generates it.

    Raises :class:`NothingGranted` where none may be made, :class:`Suspended` where the end user is by now,
    :class:`Unavailable` while the issuer cannot be reached.
    """
    actor = f"platform:{platform.name}"
    with issuer_errors():
        with transaction.atomic():
            # The one lock of all first exchanges of this end user: whoever comes second finds the grant.
            end_user = EndUser.objects.select_for_update(no_key=True).get(pk=parties.end_user)
            if not end_user.is_active:
                raise Suspended("end user")
            credential = _granted(parties, installation) or _first_credential(parties, ids, end_user, actor)
            credential = _renewed(credential, actor)
        finish_issue(credential, actor=actor)


def refresh_credential(*, platform: PlatformRow, credential_id: UUID) -> bool:
    """Have the successor of a due credential made. Returns whether the due one is handed out for want of it.

    Raises :class:`NothingGranted` where nobody but a person can make one, :class:`Unavailable` while the issuer is
    down and the policy allows no stale value any longer.
    """
    credential = Credential.objects.select_related("policy").get(pk=credential_id)
    with issuer_errors():
        if not credential.policy.backend().generates:
            raise NothingGranted(reason="credential_expired")
        _, stale = refresh(credential, actor=f"platform:{platform.name}")
    return stale


@contextmanager
def issuer_errors() -> Iterator[None]:
    """What issuers and their set-up raise, as the platform may read it."""
    try:
        yield
    except Invalid:
        raise NothingGranted(reason="issuer_refuses") from None
    except IssuerUnavailable as error:
        raise Unavailable(
            "The credential cannot be made right now. Try again shortly.", retry_after=error.retry_after
        ) from error
    except ImproperlyConfigured as error:
        log.error("issuer_misconfigured", error=str(error))  # noqa: TRY400
        raise Unavailable("The credential cannot be made right now.", retry_after=60) from None


def _granted(parties: Parties, installation: UUID) -> Credential | None:
    """The newest credential of the narrowest grant; ``None`` where there is no grant."""
    grants = Grant.objects.filter(integration_id=parties.integration, end_user_id=parties.end_user)
    grant = grants.filter(installation_id=installation).first() or grants.filter(installation=None).first()
    if grant is None:
        return None
    newest = Credential.objects.filter(line=grant.line).select_related("policy").order_by("-created_at").first()
    if newest is None:
        raise NothingGranted(reason="empty_line")
    return newest


def _first_credential(parties: Parties, ids: ExchangeIds, end_user: EndUser, actor: str) -> Credential:
    policy = CredentialPolicy.objects.get(pk=parties.policy)
    if not policy.backend().generates:
        raise NothingGranted(reason="no_grant")
    context = {"end_user": ids.end_user, "external_id": end_user.external_id, "integration": ids.integration}
    credential = start_issue(policy=policy, context=context, subject=end_user.subject, actor=actor)
    grant = Grant.objects.create(integration_id=parties.integration, end_user=end_user, line=credential.line)
    _record_grant(grant.pk, credential, actor)
    return credential


def _renewed(credential: Credential, actor: str) -> Credential:
    """An expired credential's successor, where its issuer generates. One that was revoked or failed stays the last."""
    if credential.state == State.PENDING or credential.is_usable() or credential.is_due():
        return credential
    check_renewable(credential)
    return start_successor(credential, actor=actor)


def check_renewable(credential: Credential) -> None:
    """Raises :class:`NothingGranted` unless its own expiry ended it, and its issuer makes another."""
    if not _has_expired(credential):
        raise NothingGranted(reason=f"credential_{credential.state}")
    if not credential.policy.backend().generates:
        raise NothingGranted(reason="credential_expired")


def _has_expired(credential: Credential) -> bool:
    """Whether its own expiry ended it; what is outside may still be on its way out."""
    ended = credential.final_state() if credential.is_ending() else credential.state
    return ended == State.EXPIRED


def _record_grant(grant: UUID, credential: Credential, actor: str) -> None:
    detail = {"credential": str(credential.pk), "policy": credential.policy.name}
    record(
        action="grant.created",
        actor=actor,
        object_type="grant",
        object_id=grant,
        subject=credential.subject,
        detail=detail,
    )
