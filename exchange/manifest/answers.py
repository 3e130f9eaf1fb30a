"""Finds whose answers a set-up file changes, by what it says of integrations and their policies."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from django.db.models import Q, QuerySet

from credservice.core.exceptions import Conflict
from credservice.manifest.document import Item
from credservice.manifest.schema import ChangedAnswers, Plan
from exchange.models import Integration
from exchange.services.answer_impact import AnswerImpact, Look, answers_of, compare_answers, is_answered_alike

MAX_INTEGRATIONS = 20  # of a policy that are named
Found = Sequence[tuple[Integration, AnswerImpact]]


def watch_answers(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Note the answers of what the plan is about to change; the function that is returned compares them."""
    integrations = plan.changed("integrations", "policy", "response_shape")
    policies = plan.changed("policies", "issuer", "options")
    touched = _in_order(Integration.objects.filter(Q(pk__in=integrations) | Q(policy__in=policies)))
    look = Look()
    before = {each.pk: answers_of(each, look) for each in touched if not _is_left_alike(plan, each)}

    def compare() -> list[ChangedAnswers]:
        found = []
        by_policy = defaultdict(list)
        for now in _in_order(Integration.objects.filter(pk__in=before)):
            noted = before[now.pk]
            impact = compare_answers(noted, answers_of(now, look, among=noted.by_installation))
            if impact and now.pk in integrations:
                found.append(_told(integrations[now.pk].item, "", impact))
            elif impact and now.policy_id in policies:
                by_policy[now.policy_id].append((now, impact))
            elif impact:  # the console does not wait for us
                raise Conflict(f"Somebody else gave integration {now.integration_id} another policy. Send this again.")
        for policy, users in by_policy.items():
            found += _told_of_policy(policies[policy].item, users)
        return sorted(found, key=lambda each: each.item.line)

    return compare


def _in_order(rows: QuerySet[Integration]) -> Iterable[Integration]:
    return rows.select_related("platform", "policy").order_by("platform__name", "integration_id")


def _is_left_alike(plan: Plan, now: Integration) -> bool:
    then = plan.planned(now.pk) or now
    return is_answered_alike(now, then.response_shape, plan.planned(then.policy_id) or then.policy)


def _told_of_policy(item: Item, users: Found) -> Iterable[ChangedAnswers]:
    for now, impact in users[:MAX_INTEGRATIONS]:
        yield _told(item, f"integration {now.integration_id} of {now.platform} uses it: ", impact)
    if others := users[MAX_INTEGRATIONS:]:
        text = f"{len(others)} more of its integrations would change answers."
        counts = sum((Counter(impact.counts()) for _, impact in others), Counter[str]())
        yield ChangedAnswers(item, text, text, counts)


def _told(item: Item, whose: str, impact: AnswerImpact) -> ChangedAnswers:
    text, brief = (whose + " ".join(impact.sentences(named=named)) for named in (True, False))
    return ChangedAnswers(item, text, brief, impact.counts())
