"""Finds whose answers a set-up file changes, by what it says of integrations, their policies, and attributes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from credservice.core.exceptions import Conflict
from credservice.manifest.document import Item
from credservice.manifest.schema import ChangedAnswers, Plan, Row, chunks
from exchange.models import EndUser, Installation, Integration
from exchange.services.answer_impact import (
    AnswerImpact,
    Look,
    answer_each,
    answers_of,
    compare_answers,
    is_answered_alike,
)
from exchange.services.customer_answers import AtRisk, Holder, answers_at_risk

MAX_INTEGRATIONS = 20  # of a policy that are named
Found = Sequence[tuple[Integration, AnswerImpact]]


def watch_answers(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Note the answers of what the plan is about to change; the function that is returned compares them."""
    integrations = plan.changed("integrations", "policy", "response_shape")
    policies = plan.changed("policies", "issuer", "options")
    touched = _in_order(Integration.objects.filter(Q(pk__in=integrations) | Q(policy__in=policies)))
    look = Look()
    before = {each.pk: answers_of(each, look) for each in touched if not _is_left_alike(plan, each)}
    losers = {**plan.changed("end_users", "attributes"), **plan.changed("installations", "attributes")}
    losses = _losses(losers)
    at_risk = answers_at_risk(losses, look)

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
        found += _told_of_losses(at_risk, {each.pk: losers[each.pk] for each in losses}, before, look)
        return sorted(found, key=lambda each: each.item.line)

    return compare


def _losses(rows: Mapping[Any, Row]) -> dict[Holder, set[str]]:
    """Find the names of attributes that end users and installations have, and the file leaves out."""
    losses: dict[Holder, set[str]] = {}
    for pks in chunks(list(rows)):
        for model in (EndUser, Installation):
            for stored in model._default_manager.filter(pk__in=pks):
                if lost := stored.attributes.keys() - rows[stored.pk].obj.attributes:
                    losses[stored] = lost
    return losses


def _told_of_losses(
    at_risk: AtRisk, losers: Mapping[Any, Row], told: Iterable[Any], look: Look
) -> Iterable[ChangedAnswers]:
    """Tell of each end user or installation whose answers end; those of integrations that are ``told`` of are told."""
    rows = Installation.objects.filter(pk__in=[each.pk for each in at_risk.answers])
    after = answer_each(rows.select_related("end_user", "integration__policy"), look)
    by_loser: defaultdict[Any, AtRisk] = defaultdict(AtRisk)
    for each, answer in at_risk.answers.items():
        if each.integration_id not in told:
            by_loser[each.end_user_id if each.end_user_id in losers else each.pk].answers[each] = answer
    for pk, its_own in by_loser.items():
        if impact := its_own.impact(after):
            yield _told(losers[pk].item, "", impact)
    if at_risk.more:
        first = next(iter(losers.values()))
        yield _told(first.item, "", AnswerImpact(looked_at=len(at_risk.answers), more=True))


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
