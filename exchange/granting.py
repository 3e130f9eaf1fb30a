"""Grants as the vendor's own systems keep them: put, whatever was there before. One row's work, as in a bulk import."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from credservice.credentials.entering import put_credential
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.exceptions import Invalid
from exchange.administration import grant_credential, usable_of, withdraw_grant
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.registration import Outcome


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
    the same ones change nothing. A credential that has ended, or is of another policy than the integration now has, is
    replaced by a new line. A new credential is pending where its issuer is elsewhere (``finish_issue``). Raises
    :class:`Invalid` for parties that do not belong together and values that do not fit, :class:`Conflict`.
    """
    _check(integration, end_user, installation, values)
    with transaction.atomic():
        EndUser.objects.select_for_update(no_key=True).get(pk=end_user.pk)
        grants = Grant.objects.filter(integration=integration, end_user=end_user, installation=installation)
        grant = grants.select_for_update(of=("self",)).first()
        current = _current(grant) if grant else None
        if grant is not None and current is not None:
            if current.policy_id == integration.policy_id:
                return _kept(grant, current, values, actor, overlap)
            withdraw_grant(grant=grant, actor=actor, reason="the integration has another policy")
        made, credential = grant_credential(
            integration=integration, end_user=end_user, installation=installation, entered=values, actor=actor
        )
        return made, credential, "created" if grant is None else "changed"


def _kept(
    grant: Grant, current: Credential, values: Mapping[str, str] | None, actor: str, overlap: timedelta | None
) -> tuple[Grant, Credential, Outcome]:
    if values is None:
        return grant, current, "unchanged"
    credential, is_new = put_credential(credential=current, values=values, actor=actor, overlap=overlap)
    return grant, credential, "changed" if is_new else "unchanged"


def _current(grant: Grant) -> Credential | None:
    """What it hands out, or will as soon as that is made."""
    pending = Credential.objects.filter(line=grant.line, state=Credential.State.PENDING).select_related("policy")
    return usable_of(grant.line) or pending.first()


def _check(
    integration: Integration, end_user: EndUser, installation: Installation | None, values: Mapping[str, str] | None
) -> None:
    try:
        Grant(integration=integration, end_user=end_user, installation=installation).clean()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    check_values(integration.policy, values)


def check_values(policy: CredentialPolicy, values: Mapping[str, str] | None) -> None:
    """Raises :class:`Invalid` where a grant of this policy takes no values, or others."""
    if policy.backend().generates:
        if values is not None:
            raise Invalid(f"Policy {policy.name!r} makes its values itself: leave them out.", pointer="/values")
        return
    names = policy.value_names()
    if values is None or set(values) != set(names):
        listed = ", ".join(sorted(names))
        raise Invalid(f"Send a value for each of {listed}, and for nothing else.", pointer="/values")
