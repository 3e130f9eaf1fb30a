"""Tells the kernel of end users as subjects, and of how many installations a rotation or a policy touches."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import F, Q, QuerySet

from credservice.core.ids import find_ours
from credservice.credentials.hooks import Subject
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.policy_impact import MAX_COUNTED, Use
from credservice.credentials.rotation_impact import Unanswered
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.answer_impact import MAX_LOOKED_AT, Look, answer_each
from exchange.services.served import active_installations, grants_alone, kept_by


def installations_of(lines: Collection[UUID]) -> dict[str, int]:
    """Count the installations that are answered. One that waits for approval, or is suspended, or anything that it
    belongs to, gets no answer; nor does one whose answer would lack something, which is looked at of no more than
    ``MAX_LOOKED_AT``."""
    every = _let_in(lines)
    looked_at = list(every[: MAX_LOOKED_AT + 1])
    if len(looked_at) > MAX_LOOKED_AT:
        return {"installations": every.count()}
    return {"installations": sum(answer.fields is not None for answer in answer_each(looked_at, Look()).values())}


def unanswered_with(others: Mapping[UUID, Credential]) -> Unanswered:
    """Count the installations that are answered now, and would not be with these credentials of their lines: among the
    newest ``MAX_LOOKED_AT``."""
    looked_at = list(_let_in(others.keys())[:MAX_LOOKED_AT])
    after = answer_each(looked_at, Look(instead=others))
    before = answer_each(looked_at, Look())
    ended = [answer for each, answer in after.items() if answer.fields is None and before[each].fields is not None]
    return Unanswered(len(ended), {lack.what for answer in ended for lack in answer.lacks})


def _let_in(lines: Collection[UUID]) -> QuerySet[Installation]:
    """Find the active installations that these are handed to, the newest first: those with a grant of their own, and
    those that share their end user's."""
    grants = Grant.objects.filter(line__in=lines)
    answered = Installation.objects.filter(
        state=Installation.State.ACTIVE,
        integration__is_active=True,
        end_user__is_active=True,
        platform__is_active=True,
    )
    own = answered.filter(grants__in=grants)
    shared = answered.filter(
        integration__grants__in=grants.filter(installation__isnull=True),
        end_user=F("integration__grants__end_user"),
        grants__isnull=True,
    )
    every = answered.filter(Q(pk__in=own.values("pk")) | Q(pk__in=shared.values("pk")))
    return every.select_related("end_user", "integration__policy").order_by("-created_at")


def integrations_served(policy: CredentialPolicy) -> list[Use]:
    """Find the integrations whose customers get credentials of a policy: the next one, or the successor of a live one
    where another policy makes none.

    Of each, its active installations are counted, and the grants of customers without one.
    """
    kept = [*kept_by(policy).values_list("pk", flat=True)]
    active, alone = active_installations(), grants_alone()
    bound = active.filter(integration__grants__in=kept, end_user=F("integration__grants__end_user"))
    parts = {
        "installations": (active.filter(integration__policy=policy), bound),
        "grants": (alone.filter(integration__policy=policy), alone.filter(pk__in=kept)),
    }
    found = {
        noun: {pk: of for rows in both for pk, of in rows.values_list("pk", "integration")[:MAX_COUNTED]}
        for noun, both in parts.items()
    }
    pks = {of for rows in found.values() for of in rows.values()}
    integrations = Integration.objects.select_related("platform").in_bulk(pks)
    return [
        Use(integrations[of], count, noun)
        for noun, rows in found.items()
        for of, count in Counter(rows.values()).most_common()
    ]


def policies_of(lines: Collection[UUID]) -> list[tuple[UUID, CredentialPolicy]]:
    """Find the policies of the integrations that hand the lines out."""
    grants = Grant.objects.filter(line__in=lines).select_related("integration__policy")
    return [(grant.line, grant.integration.policy) for grant in grants]


def end_user_subject(key: str) -> Subject | None:
    """Find an end user by our id for ``credservice.credentials.hooks``, locked against a suspension meanwhile."""
    end_user = find_ours(EndUser.objects.select_for_update(no_key=True), key)
    if end_user is None:
        return None
    context = {"end_user": end_user.end_user_id, "external_id": end_user.external_id}
    return Subject(suspended=not end_user.is_active, context=context)
