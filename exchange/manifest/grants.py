"""Plans and dumps grants in a set-up file: the values that an end user, or one installation, is given, by reference.

Only policies whose values are entered take them; others make a credential at the first exchange.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from credservice.credentials.models import CredentialPolicy
from credservice.manifest.columns import read_secret
from credservice.manifest.document import BadValue, Item
from credservice.manifest.inline import placeholder
from credservice.manifest.schema import Change, Extra, Hidden, Plan, Row
from exchange.manifest.grant_changes import Wanted, compare
from exchange.models import Grant, Integration


class EndUserGrants(Extra):
    name = "grants"
    what = "integrations, each with its values: {int_1: {apiKey: env:NAME}}"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        wanted = [found for row in rows for found in self._wanted(plan, row)]
        return compare(plan, wanted, [row.obj for row in rows if not row.is_new], by="end_user")

    def _wanted(self, plan: Plan, row: Row) -> Iterator[Wanted]:
        item = row.entry(self.name)
        if item is None:
            return
        if item.entries is None and not item.is_null:
            plan.refuse(item, f"this is {item.what}: write {self.what}")
        for name, part in (item.entries or {}).items():
            integration = plan.find("integrations", row.obj.platform, name)
            if integration is None:
                plan.refuse(part, f"there is no {name} under integrations")
            elif (values := _values(plan, part, integration)) is not None:
                yield Wanted(part, integration, row.obj, None, row.is_new, values)

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        grants = Grant.objects.filter(end_user__in=objects, installation=None)
        paths = {obj.pk: path(obj) for obj in objects}
        shown: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for grant in grants.select_related("integration__policy").order_by("integration__integration_id"):
            if not grant.integration.policy.backend().generates:
                shown[grant.end_user_id][grant.integration.integration_id] = _hidden(grant, paths[grant.end_user_id])
        return {pk: Hidden(values) for pk, values in shown.items()}


class InstallationGrant(Extra):
    name = "grant"
    what = "values for this installation alone: {apiKey: env:NAME}"

    def plan(self, plan: Plan, rows: Sequence[Row]) -> Iterable[Change]:
        wanted = [found for row in rows for found in self._wanted(plan, row)]
        return compare(plan, wanted, [row.obj for row in rows if not row.is_new], by="installation")

    def _wanted(self, plan: Plan, row: Row) -> Iterator[Wanted]:
        item = row.entry(self.name)
        if item is None or not plan.is_sound(row.obj):
            return
        # One object for all installations of an integration, as the file will leave it.
        integration = plan.find("integrations", row.obj.platform, row.obj.integration.integration_id)
        values = _values(plan, item, integration)
        if values is not None:
            is_new = row.parent is not None and row.parent.is_new
            yield Wanted(item, integration, row.obj.end_user, row.obj, is_new, values)

    def dump(self, objects: Sequence[Any], path: Callable[[Any], tuple[str, ...]]) -> dict[Any, Any]:
        grants = Grant.objects.filter(installation__in=objects).select_related("integration__policy")
        paths = {obj.pk: path(obj) for obj in objects}
        return {
            grant.installation_id: Hidden(_hidden(grant, paths[grant.installation_id]))
            for grant in grants
            if not grant.integration.policy.backend().generates
        }


def _hidden(grant: Grant, path: tuple[str, ...]) -> dict[str, str]:
    integration = grant.integration
    names = integration.policy.value_names()
    return {name: placeholder((*path, integration.integration_id, name)) for name in names}


def _values(plan: Plan, item: Item, integration: Integration) -> dict[str, str] | None:
    """Read the values that the references name; None where there is nothing to enter, or nothing that can be."""
    policy = integration.policy
    if not plan.is_sound(integration) or not plan.is_sound(policy):
        return None
    if item.entries is None and not item.is_null:
        plan.refuse(item, f"this is {item.what}: write each value's name and env:NAME or file:PATH")
        return None
    entries = item.entries or {}
    if policy.backend().generates:
        for part in entries.values():
            plan.refuse(part, f"the policy {policy.name} makes its values itself: leave them out")
        return None
    names = policy.value_names()
    for name in names:
        if name not in entries:
            plan.refuse(item, f"{name} is missing: write env:NAME or file:PATH for it")
    values = {name: _value(plan, policy, part) for name, part in entries.items()}
    complete = {name: value for name, value in values.items() if value is not None}
    return complete if set(complete) == set(names) else None


def _value(plan: Plan, policy: CredentialPolicy, item: Item) -> str | None:
    try:
        if item.name in policy.value_names():
            return read_secret(item)
        plan.refuse(item, f"the policy {policy.name} has no such value: write {', '.join(policy.value_names())}")
    except BadValue as error:
        plan.refuse(item, str(error))
    return None
