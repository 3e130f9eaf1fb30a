"""Makes, changes and withdraws grants. Each in one transaction with its line in the trail."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import Credential, CredentialPolicy, CredentialQuerySet
from credservice.credentials.services import revoke, rotate, start_issue
from credservice.credentials.vendor_values import put_credential
from credservice.keys.models import SigningSecretSet
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.end_users import Outcome


def new_secret_set(platform_name: str) -> SigningSecretSet:
    """Make the set that a platform's signing secrets will be in; empty at first."""
    return SigningSecretSet.objects.create(label=f"Platform {platform_name}")


def put_grant(
    *,
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    values: Mapping[str, str] | None,
    actor: str,
    overlap: timedelta | None = None,
) -> tuple[Grant, Credential, Outcome]:
    """See to it that this is handed a credential, of these ``values`` where the policy makes none itself.

    Other values than it has make a successor, which its predecessor outlives by ``overlap`` (the policy's by default);
    the same ones change nothing, whatever policy the integration has by now. Another one than before makes the
    successor, also where it takes no values. A new line replaces what has ended, what another policy has not made yet,
    and what grants by other policies hand out too. A new credential is pending where its issuer is elsewhere
    (``finish_issue``). Raises :class:`Invalid` for parties that do not belong together and values that do not fit,
    :class:`Conflict`.
    """
    _check(integration, end_user, installation, values)
    with transaction.atomic():
        EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
        grants = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation)
        grant = grants.select_for_update(of=("self",)).first()
        current = _current(grant) if grant else None
        if grant is not None and current is not None:
            if current.policy_id == integration.policy_id or may_follow(grant, current, integration.policy):
                return _kept(grant, current, integration.policy, values, actor, overlap)
            withdraw_grant(grant=grant, actor=actor, reason="the integration has another policy")
        made, credential = grant_credential(
            integration=integration, end_user=end_user, installation=installation, entered=values, actor=actor
        )
        return made, credential, "created" if grant is None else "changed"


def grant_credential(
    *,
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    entered: Mapping[str, str] | None,
    actor: str,
) -> tuple[Grant, Credential]:
    """Make a new credential of the integration's policy, and the grant that hands it out.

    ``entered`` are the values for a policy that makes none itself. The credential is pending where its issuer is
    elsewhere. A grant whose line has ended gets a new line. Raises :class:`Conflict` where such a grant hands out a
    credential, or soon will, :class:`Invalid` for values that do not fit.
    """
    with transaction.atomic():
        # The lock that a first exchange of this end user takes as well: see exchange.services.first_exchange. As it is
        # by now: it may have been suspended since the caller read it.
        end_user = EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
        grants = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation)
        grant = grants.select_for_update(of=("self",)).first()
        if grant is not None:
            return grant, _new_line(grant, entered, actor)
        return grant_to_new(
            integration=integration, end_user=end_user, installation=installation, entered=entered, actor=actor
        )


def grant_to_new(
    *,
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    entered: Mapping[str, str] | None,
    actor: str,
) -> tuple[Grant, Credential]:
    """Do :func:`grant_credential` in the caller's transaction, where nobody else can make the same grant."""
    credential = _start(integration, end_user, installation, entered, actor)
    grant = Grant.objects.create(
        integration=integration, end_user=end_user, installation=installation, line=credential.line
    )
    record(created_line(grant, credential, actor))
    return grant, credential


def withdraw_grant(*, grant: Grant, actor: str, reason: str) -> None:
    """Remove a grant and revoke what it handed out. A policy that generates makes a new one at the next exchange, so
    suspend the installation or the end user to keep them out."""
    with transaction.atomic():
        # All of the line: of two that are withdrawn at once, each would leave the credentials to the other.
        of_line = list(Grant.objects.filter(line=grant.line).order_by("pk").select_for_update(of=("self",)))
        found = next((each for each in of_line if each.pk == grant.pk), None)
        if found is None:  # it was given another line meanwhile; or it is gone
            return withdraw_grant(grant=Grant.objects.get(pk=grant.pk), actor=actor, reason=reason)
        grant, shared = found, len(of_line) > 1
        if not shared:
            for credential in _credentials(grant).unended().lock():
                revoke(credential=credential, actor=actor, reason=reason)
        detail = {"line": str(grant.line), "why": reason, "credentials_kept": shared}
        record(Line.about(grant, "grant.withdrawn", actor, detail))
        grant.delete()


def granted_already(
    *, integration: Integration, end_user: EndUser, installation: Installation | None
) -> Credential | None:
    """Find what the same grant hands out, or soon will: a second one would be refused."""
    grant = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation).first()
    return _current(grant) if grant else None


def usable_of(grant: Grant) -> Credential | None:
    """Find what an exchange would be handed: its line's active credential, else the newest that still retires."""
    found = _credentials(grant).filter(state__in=Credential.USABLE).order_by("state", "-created_at")
    return next((credential for credential in found.select_related("policy") if credential.is_usable()), None)


def may_follow(grant: Grant, current: Credential, policy: CredentialPolicy) -> bool:
    """Tell if a successor by ``policy``, which is another than its own, suits all that hand its line out."""
    others = Grant.objects.filter(line=grant.line).exclude(pk=grant.pk).exclude(integration__policy=policy)
    return current.state != Credential.State.PENDING and not others.exists()


def check_values(policy: CredentialPolicy, values: Mapping[str, str] | None) -> None:
    """Raise :class:`Invalid` where a grant of this policy takes no values, or others."""
    if policy.backend().generates:
        if values is not None:
            raise Invalid(f"Policy {policy.name!r} makes its values itself: leave them out.", pointer="/values")
        return
    names = policy.value_names()
    if values is None or set(values) != set(names):
        listed = ", ".join(sorted(names))
        now = f"policy {policy.name!r} has these names now"
        raise Invalid(f"Send a value for each of {listed}, and for nothing else: {now}.", pointer="/values")


def context_of(integration: Integration, end_user: EndUser, installation: Installation | None) -> dict[str, str]:
    """Name the parties that a grant's credential is made for."""
    context = {
        "end_user": end_user.end_user_id,
        "external_id": end_user.external_id,
        "integration": integration.integration_id,
    }
    return context | ({"installation": installation.installation_id} if installation else {})


def created_line(grant: Grant, credential: Credential, actor: str) -> Line:
    """Write the line in the trail about a new grant."""
    detail = {"credential": str(credential.pk), "policy": credential.policy.name}
    return Line.about(grant, "grant.created", actor, detail)


def _check(
    integration: Integration, end_user: EndUser, installation: Installation | None, values: Mapping[str, str] | None
) -> None:
    try:
        Grant(integration=integration, end_user=end_user, installation=installation).clean()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    check_values(integration.policy, values)


def _current(grant: Grant) -> Credential | None:
    """Find what it hands out, or will as soon as that is made."""
    pending = _credentials(grant).filter(state=Credential.State.PENDING).select_related("policy")
    return usable_of(grant) or pending.first()


def _credentials(grant: Grant) -> CredentialQuerySet:
    """Find the credentials of its line; a line that is not the end user's own has none."""
    return Credential.objects.filter(line=grant.line, subject=f"end_user:{grant.end_user_id}")


def _kept(
    grant: Grant,
    current: Credential,
    policy: CredentialPolicy,
    values: Mapping[str, str] | None,
    actor: str,
    overlap: timedelta | None,
) -> tuple[Grant, Credential, Outcome]:
    if values is not None:
        put, is_new = put_credential(credential=current, values=values, actor=actor, overlap=overlap, policy=policy)
        return grant, put, "changed" if is_new else "unchanged"
    if current.policy_id == policy.pk:
        return grant, current, "unchanged"
    begun = _credentials(grant).filter(state=Credential.State.PENDING, policy=policy).select_related("policy").first()
    if begun:
        return grant, begun, "unchanged"
    return grant, rotate(credential=current, actor=actor, overlap=overlap, policy=policy), "changed"


def _new_line(grant: Grant, entered: Mapping[str, str] | None, actor: str) -> Credential:
    """Make a new credential for a grant that has none left, as a revocation leaves it."""
    if _current(grant):
        raise Conflict("There is such a grant already. Replace the values of its credential, or rotate it, instead.")
    before = grant.line
    credential = _start(grant.integration, grant.end_user, grant.installation, entered, actor)
    grant.line = credential.line
    grant.save(update_fields=["line"])
    detail = {"credential": str(credential.pk), "line_before": str(before)}
    record(Line.about(grant, "grant.renewed", actor, detail))
    return credential


def _start(
    integration: Integration,
    end_user: EndUser,
    installation: Installation | None,
    entered: Mapping[str, str] | None,
    actor: str,
) -> Credential:
    return start_issue(
        policy=integration.policy,
        context=context_of(integration, end_user, installation),
        subject=end_user.subject,
        actor=actor,
        entered=entered,
        suspended=not end_user.is_active,
    )
