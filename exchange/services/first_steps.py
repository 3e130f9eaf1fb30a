"""Makes and changes what leads a platform to its first call: an integration, its policy, a customer, a grant."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.core.exceptions import Conflict, Invalid
from credservice.credentials.models import CredentialPolicy
from exchange.audit import ACTION
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.services.end_users import end_user_line, upsert_end_user
from exchange.services.grants import usable_of
from exchange.shapes import CREDENTIAL, END_USER, names_of


def first_integration(platform: Platform) -> Integration | None:
    return Integration.objects.filter(platform=platform).select_related("policy").order_by("created_at").first()


def newest_grant(platform: Platform) -> Grant | None:
    """Find the grant of the customer that was entered last."""
    found = Grant.objects.filter(integration=first_integration(platform)).select_related("integration", "end_user")
    return found.order_by("-created_at").first()


def calls_of(platform: Platform) -> QuerySet[AuditEvent]:
    actors = [f"platform:{platform.name}", f"unproven:{platform.name}"]
    return AuditEvent.objects.filter(action=ACTION, actor__in=actors).order_by("-id")


def is_answered(platform: Platform) -> bool:
    """Tell whether a call was answered: from then on, what was made here is in use."""
    return calls_of(platform).filter(outcome="granted").exists()


def can_be_answered(grant: Grant) -> bool:
    """Tell whether its customer has all that the integration answers with by now."""
    credential, end_user = usable_of(grant), grant.end_user
    known = {*end_user.attributes, *(["external_id"] if end_user.external_id else [])}
    has_values = credential is not None and credential.policy_id == grant.integration.policy_id
    return has_values and known.issuperset(names_of(grant.integration.response_shape, END_USER))


def add_integration(
    *, platform: Platform, integration_id: str, shape: Mapping[str, str], generates: bool, actor: str
) -> Integration:
    """Add an integration with a policy for the secrets of its answer: made here, or entered."""
    with transaction.atomic():
        policy = _policy(names_of(shape, CREDENTIAL), generates, actor)
        integration = Integration(
            platform=platform, integration_id=integration_id, policy=policy, response_shape=dict(shape)
        )
        _check(integration)
        integration.save(force_insert=True)
        detail = {"integration": integration_id, "policy": policy.name}
        record(Line.about(integration, "integration.created", actor, detail))
    return integration


def change_integration(
    *, integration: Integration, integration_id: str, shape: Mapping[str, str], generates: bool, actor: str
) -> None:
    """Change an integration before its first call. Raises :class:`Conflict` where that leaves somebody behind.

    That is an installation, by its integrationId, or one of several customers who have other secrets.
    """
    with transaction.atomic():
        found = Integration.objects.select_for_update(of=("self",)).select_related("policy").get(pk=integration.pk)
        if is_answered(found.platform):
            raise Conflict("A call was answered by now. Change the integration on its own page.")
        changes: dict[str, object] = {"response_shape": {}}
        if found.integration_id != integration_id:
            if Installation.objects.filter(integration=found).exists():
                raise Conflict(f"{found.integration_id} is installed already: its id stays.")
            changes["integration_id"] = {"from": found.integration_id, "to": integration_id}
        before, found.policy = found.policy, _policy_of(found, shape, generates, actor)
        if found.policy != before:
            changes["policy"] = {"from": before.name, "to": found.policy.name}
        found.integration_id, found.response_shape = integration_id, dict(shape)
        _check(found)
        found.save(update_fields=["integration_id", "response_shape", "policy"])
        record(Line.about(found, "integration.changed", actor, {"changes": changes}))


def register_customer(
    *, platform: Platform, end_user_id: str, external_id: str, attributes: Mapping[str, str], actor: str
) -> EndUser:
    """See to it that the platform has this end user, with these attributes beside those that it has.

    Raises :class:`Conflict` where one of the ids is another's.
    """
    with transaction.atomic():
        known = EndUser.objects.filter(platform=platform, end_user_id=end_user_id).first()
        if known is not None:
            external_id, attributes = external_id or known.external_id, known.attributes | attributes
        if external_id:
            end_user, _ = upsert_end_user(
                platform=platform, external_id=external_id, end_user_id=end_user_id, attributes=attributes, actor=actor
            )
            return end_user
        end_user, is_new = EndUser.objects.get_or_create(
            platform=platform, end_user_id=end_user_id, defaults={"attributes": dict(attributes)}
        )
        if is_new or end_user.attributes != attributes:
            EndUser.objects.filter(pk=end_user.pk).update(attributes=attributes)
            verb = "created" if is_new else "changed"
            record(end_user_line(f"end_user.{verb}", end_user, actor, ["attributes"] if attributes else []))
        return end_user


def _policy_of(integration: Integration, shape: Mapping[str, str], generates: bool, actor: str) -> CredentialPolicy:
    """Find the policy for an integration's new shape: its own, unless that asks for other secrets."""
    policy, names = integration.policy, names_of(shape, CREDENTIAL)
    # A policy may make more values than the answer holds.
    is_same = set(names) == set(names_of(integration.response_shape, CREDENTIAL))
    if _suits(policy, names, generates) or (is_same and policy.backend().generates == generates):
        return policy
    if Grant.objects.filter(integration=integration).count() > 1:
        raise Conflict("Several customers have credentials already: the secrets stay as they are.")
    return _policy(names, generates, actor)


def _policy(names: tuple[str, ...], generates: bool, actor: str) -> CredentialPolicy:
    """Find the policy that the first steps made for these values; make it where there is none."""
    issuer, options = ("api_key", {"name": names[0]}) if generates else ("static", {"names": list(names)})
    base = f"{'made' if generates else 'entered'}-{slugify(' '.join(names))[:100] or 'value'}"
    for number in count(1):
        name = base if number == 1 else f"{base}-{number}"
        defaults: dict[str, Any] = {"issuer": issuer, "options": options}
        policy, is_new = CredentialPolicy.objects.get_or_create(name=name, defaults=defaults)
        if is_new:
            record(Line.about(policy, "credential_policy.created", actor, {"name": name, "issuer": issuer}))
        if policy.issuer == issuer and _suits(policy, names, generates):
            break
    return policy


def _suits(policy: CredentialPolicy, names: tuple[str, ...], generates: bool) -> bool:
    return policy.backend().generates == generates and set(policy.value_names()) == set(names)


def _check(integration: Integration) -> None:
    try:
        integration.full_clean()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
