"""Finds what usage reports are about: resources by the marketplace's id or ours, metered features of their plans."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from credservice.core.exceptions import Conflict, Invalid, NotFound
from credservice.core.ids import as_uuid
from provisioning.catalogue import features_of
from provisioning.models import Feature, Resource
from provisioning.wording import one_of, quoted


class Targets:
    """Reads the resources that some reports name, at once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._resources: dict[str, list[Resource]] = defaultdict(list)
        self._metered: dict[UUID, dict[str, Feature]] = {}
        texts = {name for name in names if name.isprintable()}  # a path may hold a NUL, PostgreSQL's texts may not
        uuids = {text: key for text in texts if (key := as_uuid(text)) is not None}
        for resource in self._find(Q(partner_id__in=texts - uuids.keys())):
            self._resources[resource.partner_id].append(resource)
        by_key = {resource.pk: resource for resource in self._find(Q(pk__in=set(uuids.values())))}
        self._resources.update({text: [by_key[key]] for text, key in uuids.items() if key in by_key})

    def resource(self, name: str) -> Resource:
        """Find a resource; one that is gone only where no other has its id. Raises NotFound and Conflict."""
        found = self._resources.get(name, [])
        found = [resource for resource in found if resource.state not in Resource.GONE] or found
        if not found:
            raise NotFound(f"There is no resource {quoted(name)}.", code="unknown_resource")
        if len(found) > 1:
            ours = one_of(str(resource.pk) for resource in found)
            raise Conflict(
                f"Several marketplaces have a resource {quoted(name)}. Name it by our id. {ours}",
                code="ambiguous_resource",
            )
        return found[0]

    def feature(self, resource: Resource, label: str) -> Feature:
        """Find a metered feature. Raises NotFound for a resource that is gone, Invalid for any other feature."""
        if resource.state in Resource.GONE:
            # Nobody can ask for its measures any more: to take the report would be to pretend that it counts.
            raise NotFound(
                f"The resource {quoted(resource.partner_id)} was deprovisioned, so its usage is not taken any more.",
                code="resource_gone",
            )
        metered = self._metered_of(resource)
        if label not in metered:
            raise Invalid(
                f"feature: {quoted(label)} is not metered on the plan {quoted(resource.plan.label)}. "
                f"{one_of(sorted(metered))}",
                code="not_metered",
                pointer="/feature",
            )
        return metered[label]

    def _metered_of(self, resource: Resource) -> dict[str, Feature]:
        if resource.plan_id not in self._metered:
            features = features_of(resource.plan)
            self._metered[resource.plan_id] = {feature.label: feature for feature in features if feature.is_metered}
        return self._metered[resource.plan_id]

    @staticmethod
    def _find(which: Q) -> Iterable[Resource]:
        return Resource.objects.select_related("plan").filter(which)
