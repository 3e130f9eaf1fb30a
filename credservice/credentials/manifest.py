"""Reads and writes the credential policies of a set-up file."""

from collections.abc import Callable, Sequence
from typing import Any

from credservice.credentials.models import Credential, CredentialPolicy, fitting_overlap
from credservice.credentials.policy_impact import Impact, foretell_changes
from credservice.issuers import issuer_choices
from credservice.manifest.document import Item
from credservice.manifest.json_values import Facts
from credservice.manifest.kinds import Choice, Duration, Flag
from credservice.manifest.registry import register
from credservice.manifest.schema import ChangedAnswers, Field, Plan, Row, Section


def _check_policies(plan: Plan, rows: Sequence[Row]) -> None:
    """Refuse another issuer for a policy that has credentials: the issuer that made one ends it."""
    changed = {row.obj.pk: row for row in rows if "issuer" in row.changed}
    used = Credential.objects.filter(policy__in=changed).order_by().values_list("policy", flat=True).distinct()
    for pk in used:
        plan.refuse(
            changed[pk].entry("issuer") or changed[pk].item,
            "credentials were made by this policy's issuer already: write a policy of another name instead",
        )


def _watch_policies(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Note what the policies make that the plan is about to change; what is returned compares it."""
    rows = plan.changed("policies", "issuer", "options", "lifetime", "rotation_period", "overlap")
    before = [*CredentialPolicy.objects.filter(pk__in=rows)]

    def compare() -> list[ChangedAnswers]:
        pairs = [(policy, rows[policy.pk]) for policy in before]
        found = [(row, impact) for policy, row in pairs for impact in foretell_changes(policy, row.obj)]
        return [told_of(row.item, impact) for row, impact in found]

    return compare


def told_of(item: Item, impact: Impact) -> ChangedAnswers:
    """Tell of an entry what its change means to credentials."""
    text, brief = " ".join(impact.sentences()), " ".join(impact.sentences(lambda obj: False))
    return ChangedAnswers(item, text, brief, impact.counts())


class _Lifetime(Field):
    """Gives a new policy an overlap that fits, too; one that stands in the file is read after it."""

    def assign(self, obj: Any, value: Any) -> None:
        super().assign(obj, value)
        if obj._state.adding:
            obj.overlap = fitting_overlap(value)


POLICIES = Section(
    "policies",
    model=CredentialPolicy,
    key="name",
    fields=(
        Field("issuer", Choice(lambda: [alias for alias, _ in issuer_choices()]), required=True),
        Field("options", Facts()),
        _Lifetime("lifetime", Duration(nullable=True)),
        Field("rotation_period", Duration(nullable=True)),
        Field("overlap", Duration()),
        Field("multiple", Flag()),
        Field("stale_for", Duration()),
        Field("probe", Facts()),
    ),
    check=_check_policies,
)


def register_sections() -> None:
    register(POLICIES, watch=_watch_policies)
