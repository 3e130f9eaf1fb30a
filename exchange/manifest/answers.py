"""Finds whose answers a set-up file changes, by what it says of integrations and their policies."""

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db.models import Q

from credservice.manifest.schema import ChangedAnswers, Plan
from exchange.models import Integration
from exchange.services.answer_impact import answers_of, compare_answers


def watch_answers(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Note the answers of what the plan is about to change; the function that is returned compares them."""
    integrations = plan.changed("integrations", "policy", "response_shape")
    policies = plan.changed("policies", "issuer", "options")
    touched = Integration.objects.filter(Q(pk__in=integrations) | Q(policy__in=policies))
    before = {each.pk: answers_of(each) for each in touched.select_related("policy")}

    def compare() -> list[ChangedAnswers]:
        found = []
        for now in _named(before):
            impact = compare_answers(before[now.pk], answers_of(now, among=before[now.pk].by_installation))
            text = " ".join(impact.sentences())
            if impact and now.pk in integrations:
                found.append(ChangedAnswers(integrations[now.pk].item, text))
            elif impact:
                text = f"integration {now.integration_id} of {now.platform} uses it: {text}"
                found.append(ChangedAnswers(policies[now.policy_id].item, text))
        return sorted(found, key=lambda each: each.item.line)

    return compare


def _named(keys: Iterable[UUID]) -> Iterable[Integration]:
    rows = Integration.objects.filter(pk__in=keys).select_related("platform", "policy")
    return rows.order_by("platform__name", "integration_id")
