"""Finds which platforms' calls a set-up file may have refused, by what it says of their settings."""

from collections.abc import Callable

from credservice.manifest.schema import ChangedAnswers, Plan
from exchange.models import Platform
from exchange.models.platforms import PROFILE
from exchange.services.default_impact import foretell_default
from exchange.services.limit_impact import foretell_limit
from exchange.services.signature_impact import foretell_refusals


def watch_signatures(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Compare the profiles before the plan is written: its secrets may be others afterwards."""
    rows = plan.changed("platforms", *PROFILE, "requests_per_minute", "is_default")
    pairs = [(rows[each.pk], each) for each in Platform.objects.filter(pk__in=rows).select_related("secrets")]
    others = [row.obj for step in plan.steps if step.section.name == "platforms" for row in step.rows]
    found = [
        ChangedAnswers(row.item, impact.sentence(), impact.sentence(named=False), impact.counts())
        for row, before in pairs
        for impact in (
            foretell_refusals(before, row.obj),
            foretell_limit(before, row.obj),
            foretell_default(before, row.obj, others=others),
        )
        if impact
    ]
    return lambda: sorted(found, key=lambda each: each.item.line)
