"""Finds who gets the next credentials of an integration, and what renews by another policy than the integration's."""

from collections import Counter
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef, Q, QuerySet

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import MAX_COUNTED, Use, counted_up_to
from credservice.issuers import get_issuer, issuer_choices
from credservice.issuers.base import UNLIMITED
from exchange.models import Grant, Installation, Integration

_GOES_ON = {Credential.State.PENDING, Credential.State.ACTIVE, Credential.State.EXPIRED}  # the newest of a line


def active_installations() -> QuerySet[Installation]:
    """Find those that are let in, as far as they are concerned."""
    return Installation.objects.filter(state=Installation.State.ACTIVE)


def grants_alone() -> QuerySet[Grant]:
    """Find the grants of customers without an active installation."""
    same = active_installations().filter(integration=OuterRef("integration"), end_user=OuterRef("end_user"))
    return Grant.objects.exclude(Exists(same))


def served(integration: Integration) -> list[Use]:
    """Count who gets the next credentials of an integration."""
    counts = {
        "installations": active_installations().filter(integration=integration)[:MAX_COUNTED].count(),
        "grants": grants_alone().filter(integration=integration)[:MAX_COUNTED].count(),
    }
    return [Use(integration, number, noun) for noun, number in counts.items() if number]


def kept_by(policy: CredentialPolicy) -> QuerySet[Grant]:
    """Find the grants whose live credentials a policy has made, and makes the successors of though their integration
    has another policy: one whose values are entered, or not the only one that hands the line out."""
    live = Credential.objects.unended().filter(policy=policy)
    lines = list(live.values_list("line", flat=True).distinct()[:MAX_COUNTED])
    kept = _is_shared(OuterRef("integration__policy"))
    if policy.backend().generates:
        entered = [alias for alias, _ in issuer_choices() if not get_issuer(alias).generates]
        kept |= Q(integration__policy__issuer__in=entered)
    return Grant.objects.filter(kept, line__in=lines)


def still_renewed(integration: Integration) -> list[str]:
    """Say how many of its credentials renew by themselves by other policies than its own, as that is in memory: of the
    newest grants."""
    try:
        grants = Grant.objects.filter(integration=integration).order_by("-created_at")
        if integration.policy.backend().generates:
            grants = grants.filter(_is_shared(integration.policy))
        lines = grants.values_list("line", flat=True)[:MAX_COUNTED]
        newest = Credential.objects.filter(line__in=[*lines]).order_by("line", "-created_at").distinct("line")
        found = newest.select_related("policy")
        counts = Counter(each.policy for each in found if each.state in _GOES_ON and _renews(each.policy))
    except ImproperlyConfigured:
        return []  # settings have lost an issuer
    return [
        f"{counted_up_to(number, number, 'credentials')} still {'renews' if number == 1 else 'renew'} by the policy "
        f"{policy}."
        for policy, number in counts.most_common()
        if policy != integration.policy
    ]


def _is_shared(policy: Any) -> Q:
    """Find the grants whose line another integration hands out too, by another policy than this."""
    others = Grant.objects.filter(line=OuterRef("line")).exclude(integration=OuterRef("integration"))
    return Q(Exists(others.exclude(integration__policy=policy)))


def _renews(policy: CredentialPolicy) -> bool:
    """Tell if what it has made is rotated, or made anew once it has expired."""
    life = policy.lifetime or policy.backend().own_lifetime(policy.options)
    return policy.backend().generates and (policy.rotation_period is not None or life != UNLIMITED)
