"""What an operator does to platforms, end users and grants. Each in one transaction with its line in the trail."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from credservice.audit import Line, record
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, start_issue
from credservice.exceptions import Conflict
from credservice.keys.models import SigningSecretSet
from exchange.models import EndUser, Grant, Installation, Integration


def new_secret_set(platform_name: str) -> SigningSecretSet:
    """The set that a platform's signing secrets will be in; empty at first."""
    return SigningSecretSet.objects.create(label=f"Platform {platform_name}")


def grant_credential(
    *,
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    entered: Mapping[str, str] | None,
    actor: str,
) -> tuple[Grant, Credential]:
    """A new credential of the integration's policy, and the grant that hands it out.

    ``entered`` are the values for a policy that makes none itself. The credential is pending where its issuer is
    elsewhere. A grant whose line has ended gets a new line. Raises :class:`Conflict` where such a grant hands out a
    credential, or soon will, :class:`Invalid` for values that do not fit.
    """
    with transaction.atomic():
        # The lock that a first exchange of this end user takes as well: see exchange.onboarding. As it is by now: it
        # may have been suspended since the caller read it.
        end_user = EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
        grants = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation)
        grant = grants.select_for_update(of=("self",)).first()
        if grant is not None:
            return grant, _new_line(grant, entered, actor)
        return grant_to_new(
            integration=integration, end_user=end_user, installation=installation, entered=entered, actor=actor
        )


def usable_of(line: UUID) -> Credential | None:
    """What an exchange would be handed of this line now: the active credential, else the newest that still retires."""
    found = Credential.objects.filter(line=line, state__in=Credential.USABLE).order_by("state", "-created_at")
    return next((credential for credential in found.select_related("policy") if credential.is_usable()), None)


def grant_to_new(
    *,
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    entered: Mapping[str, str] | None,
    actor: str,
) -> tuple[Grant, Credential]:
    """:func:`grant_credential` in the caller's transaction, for an end user that nobody else can see yet."""
    credential = start_issue(
        policy=integration.policy,
        context=context_of(integration, end_user, installation),
        subject=end_user.subject,
        actor=actor,
        entered=entered,
        suspended=not end_user.is_active,
    )
    grant = Grant.objects.create(
        integration=integration, end_user=end_user, installation=installation, line=credential.line
    )
    _record("grant.created", grant, actor, credential=str(credential.pk), policy=integration.policy.name)
    return grant, credential


def withdraw_grant(*, grant: Grant, actor: str, reason: str) -> None:
    """Remove a grant and revoke what it handed out. A policy that generates makes a new one at the next exchange, so
    suspend the installation or the end user to keep them out."""
    with transaction.atomic():
        grant = Grant.objects.select_for_update(of=("self",)).get(pk=grant.pk)
        shared = Grant.objects.filter(line=grant.line).exclude(pk=grant.pk).exists()
        if not shared:
            for credential in Credential.objects.unended().filter(line=grant.line).lock():
                revoke(credential=credential, actor=actor, reason=reason)
        _record("grant.withdrawn", grant, actor, line=str(grant.line), why=reason, credentials_kept=shared)
        grant.delete()


def _new_line(grant: Grant, entered: Mapping[str, str] | None, actor: str) -> Credential:
    """A new credential for a grant that has none left, as a revocation leaves it."""
    pending = Credential.objects.filter(line=grant.line, state=Credential.State.PENDING).exists()
    if pending or usable_of(grant.line):
        raise Conflict("There is such a grant already. Replace the values of its credential, or rotate it, instead.")
    before = grant.line
    credential = start_issue(
        policy=grant.integration.policy,
        context=context_of(grant.integration, grant.end_user, grant.installation),
        subject=grant.end_user.subject,
        actor=actor,
        entered=entered,
        suspended=not grant.end_user.is_active,
    )
    grant.line = credential.line
    grant.save(update_fields=["line"])
    _record("grant.renewed", grant, actor, credential=str(credential.pk), line_before=str(before))
    return credential


def context_of(integration: Integration, end_user: EndUser, installation: Installation | None) -> dict[str, str]:
    """What a grant's credential is made for."""
    context = {
        "end_user": end_user.end_user_id,
        "external_id": end_user.external_id,
        "integration": integration.integration_id,
    }
    return context | ({"installation": installation.installation_id} if installation else {})


def grant_line(action: str, grant: Grant, actor: str, **detail: object) -> Line:
    """The line in the trail about what was done to a grant."""
    return Line(
        action=action,
        actor=actor,
        object_type="grant",
        object_id=grant.pk,
        subject=f"end_user:{grant.end_user_id}",
        detail=detail,
    )


def _record(action: str, grant: Grant, actor: str, **detail: object) -> None:
    record(**vars(grant_line(action, grant, actor, **detail)))
