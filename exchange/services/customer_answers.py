"""Tells which installations get no answer: today, and once they or their customer lose attributes.

Attributes are written whole, so one that is left out is gone. Another value of one is what was meant, and is not asked
about; so is null, which is handed out as it is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from credservice.core.exceptions import Conflict
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.answer_impact import Answer, AnswerImpact, Lack, Look, answer_each
from exchange.shapes import END_USER, INSTALLATION, names_of

MAX_SHOWN = 20  # installations of a customer, the newest, that are looked at for its page
PART = 1000  # holders that one query asks about
SUSPENDED = "integration"
Holder = EndUser | Installation  # of attributes


class AnswersWouldChange(Conflict):
    """Refuses attributes without which installations would get no answer. Nothing was written.

    Not ``named``: for who may not read installations.
    """

    code = "answers_would_change"

    def __init__(self, impact: AnswerImpact, *, named: bool = True) -> None:
        super().__init__(" ".join(impact.sentences(named=named)))
        self.impact = impact


@dataclass
class AtRisk:
    """Holds what installations are answered that ask for an attribute which is about to be lost; ``more`` there are."""

    answers: dict[Installation, Answer] = field(default_factory=dict)
    more: bool = False

    def impact(self, after: Mapping[Installation, Answer]) -> AnswerImpact:
        """Tell which of them, being answered now, get no answer ``after``."""
        impact = AnswerImpact(looked_at=len(self.answers), more=self.more)
        for each, old in self.answers.items():
            new = after.get(each)
            if old.fields is not None and new is not None and new.fields is None:
                impact.unanswered.append(f"{each} ({new.why})")
        return impact


def foretell_attributes(holder: Holder, attributes: Mapping[str, Any]) -> AnswerImpact:
    """Tell whose answers end where ``holder``, which is as it is stored, has these attributes in place of its own.

    Asks the database nothing where no name is lost.
    """
    lost = holder.attributes.keys() - attributes
    if not lost:
        return AnswerImpact()
    look = Look()
    at_risk = answers_at_risk({holder: lost}, look)
    for each in at_risk.answers:
        (each.end_user if isinstance(holder, EndUser) else each).attributes = dict(attributes)
    return at_risk.impact(answer_each(at_risk.answers, look))


def answers_at_risk(losses: Mapping[Holder, Collection[str]], look: Look) -> AtRisk:
    """Find what installations are answered today whose integration asks their holder for one of the names it loses."""
    found: dict[Installation, None] = {}
    for kind, column in ((END_USER, "end_user"), (INSTALLATION, "pk")):
        model = EndUser if kind == END_USER else Installation
        holders = {each.pk: each for each in losses if isinstance(each, model)}
        lost = {name for each in holders.values() for name in losses[each]}
        integrations = _asking(kind, lost, {each.platform_id for each in holders.values()})
        keys = list(holders) if integrations else []
        for start in range(0, len(keys), PART):
            where = {"integration__in": integrations, f"{column}__in": keys[start : start + PART]}
            found |= dict.fromkeys(_live(Installation.objects.filter(**where))[: look.left + 1])
            if len(found) > look.left:
                break
    looked_at = list(found)[: look.left]
    look.left -= len(looked_at)
    return AtRisk(answer_each(looked_at, look), more=len(found) > len(looked_at))


def unanswered_today(end_user: EndUser) -> Iterator[tuple[Installation, Answer]]:
    """Yield the newest installations of an active customer that are active, and get no answer all the same."""
    if not end_user.is_active:
        return
    yield from _unanswered(_live(Installation.objects.filter(end_user=end_user))[:MAX_SHOWN])


def why_unanswered_today(installation: Installation) -> Answer | None:
    """Find why an active installation of an active customer gets no answer; None where it gets one."""
    found = _unanswered(_live(Installation.objects.filter(pk=installation.pk)))
    return next((answer for _, answer in found), None)


def _unanswered(installations: Iterable[Installation]) -> Iterator[tuple[Installation, Answer]]:
    for each, answer in answer_each(installations, Look()).items():
        if not each.integration.is_active:
            yield each, Answer(None, "the integration is suspended", [Lack(SUSPENDED)])
        elif answer.fields is None:
            yield each, answer


def asked_of(end_user: EndUser) -> dict[str, list[Integration]]:
    """Find the attributes of a customer that answers hold, each with the integrations that ask for it."""
    theirs = (model.objects.filter(end_user=end_user).values("integration") for model in (Installation, Grant))
    of_it = reduce(or_, (Q(pk__in=integrations) for integrations in theirs))
    asked: dict[str, list[Integration]] = {}
    for integration in Integration.objects.filter(of_it).order_by("integration_id"):
        for name in names_of(integration.response_shape, END_USER):
            if name != "external_id":
                asked.setdefault(name, []).append(integration)
    return asked


def _asking(kind: str, names: Collection[str], platforms: Iterable[Any]) -> list[Any]:
    """Find the integrations whose answers hold an attribute of these names."""
    if not names:
        return []
    rows = Integration.objects.filter(platform__in=list(platforms)).values_list("pk", "response_shape")
    return [pk for pk, shape in rows if not set(names).isdisjoint(names_of(shape, kind))]


def _live(rows: QuerySet[Installation]) -> QuerySet[Installation]:
    live = rows.filter(state=Installation.State.ACTIVE, end_user__is_active=True)
    return live.select_related("end_user", "integration__policy").order_by("-created_at")
