"""Lists every case in the order of the sections. A module registers its own when it is imported."""

from provisioning.checker.cases.osb import (
    bindings,
    catalogue,
    headers,
    instances,
    operations,
    orphans,
    updates,
)
from provisioning.checker.cases.osb.register import OSB_CASES
from provisioning.checker.registry import SECTIONS

__all__ = ["OSB_CASES", "bindings", "catalogue", "headers", "instances", "operations", "orphans", "updates"]

OSB_CASES.sort(key=lambda case: list(SECTIONS).index(case.name.partition(".")[0]))
