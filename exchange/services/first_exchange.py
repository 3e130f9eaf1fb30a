"""Makes what a first exchange needs: the record of an installation, a grant and its credential. Once, whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Invalid, Unavailable
from credservice.credentials.hooks import policy_of_renewal
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, refresh, start_successor
from credservice.issuers.base import IssuerUnavailable
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.queries import Parties, PlatformRow
from exchange.refusals import OF_ANOTHER, NothingGranted, Suspended
from exchange.serializers import ExchangeIds
from exchange.services import events
from exchange.services.grants import grant_to_new

log = structlog.get_logger(__name__)

State = Credential.State


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
            detail = {"installation": ids.installation, "integration": ids.integration, "state": state}
            record(Line.about(installation, "installation.first_seen", f"platform:{platform.name}", detail))
            events.discovered(installation)


def make_credential(*, platform: PlatformRow, parties: Parties, installation: UUID) -> None:
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
            credential = _granted(parties, installation) or _first_credential(parties, end_user, actor)
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
            renewing_policy(credential)  # which may raise
        _, stale = refresh(credential, actor=f"platform:{platform.name}")
    return stale


@contextmanager
def issuer_errors() -> Iterator[None]:
    """Translate what issuers and their set-up raise into what the platform may read."""
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
    """Find the newest credential of the narrowest grant; ``None`` where there is no grant."""
    grants = Grant.objects.filter(integration_id=parties.integration, end_user_id=parties.end_user)
    grant = grants.filter(installation_id=installation).first() or grants.filter(installation=None).first()
    if grant is None:
        return None
    return newest_of(grant.line, f"end_user:{parties.end_user}")


def newest_of(line: UUID, owner: str) -> Credential:
    """Find the newest credential of a grant's line. Raises :class:`NothingGranted` for none, or another's."""
    newest = Credential.objects.filter(line=line).select_related("policy").order_by("-created_at").first()
    if newest is None:
        raise NothingGranted(reason="empty_line")
    if newest.subject != owner:
        raise NothingGranted(reason=OF_ANOTHER)
    return newest


def _first_credential(parties: Parties, end_user: EndUser, actor: str) -> Credential:
    integration = Integration.objects.select_related("policy").get(pk=parties.integration)
    if not integration.policy.backend().generates:
        raise NothingGranted(reason="no_grant")
    return grant_to_new(integration=integration, end_user=end_user, installation=None, entered=None, actor=actor)[1]


def _renewed(credential: Credential, actor: str) -> Credential:
    """Start an expired credential's successor. One that was revoked or failed stays the last."""
    if credential.state == State.PENDING or credential.is_usable() or credential.is_due():
        return credential
    check_expired(credential)
    return start_successor(credential, actor=actor, policy=renewing_policy(credential))


def check_expired(credential: Credential) -> None:
    """Raise :class:`NothingGranted` unless its own expiry ended it."""
    if not credential.has_expired():
        raise NothingGranted(reason=f"credential_{credential.state}")


def renewing_policy(credential: Credential) -> CredentialPolicy:
    """Find the policy by which an exchange has its successor made. Raises :class:`NothingGranted` where nobody but a
    person makes one."""
    policy = policy_of_renewal(credential)
    if not policy.backend().generates:
        raise NothingGranted(reason="credential_expired")
    return policy
