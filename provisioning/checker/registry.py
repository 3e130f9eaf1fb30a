"""Registers the cases by name, and selects those of a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from provisioning.checker.order import CredentialSupport, Order

SECTIONS = {
    "catalogue": "Catalogue",
    "auth": "Authentication",
    "header": "Headers",
    "instance": "Instances",
    "update": "Updates",
    "binding": "Bindings",
    "resource": "Resources",
    "plan": "Plan changes",
    "credential": "Credentials",
    "rotation": "Credential rotation",
    "measures": "Measures",
    "signature": "Signatures",
    "sso": "Single sign-on",
    "async": "Asynchronous work",
    "error": "Errors",
    "operation": "Last operations",
    "orphan": "Orphan mitigation",
    "id": "Ids",
}
STRICT = "strict"

Check = Callable[[Any], None]  # of the protocol's provider


class UnknownCase(ValueError):
    """A name that selects no case; the text is one sentence."""


@dataclass(frozen=True)
class Case:
    """One behaviour. `strict`: credservice's reading; `credentials`: only for products with this support.

    `needs`: parts of the order; `connector`: the checker's connector must run.
    """

    name: str
    title: str
    check: Check
    strict: bool = False
    credentials: CredentialSupport | None = None
    needs: tuple[str, ...] = ()
    connector: bool = False

    @property
    def section(self) -> str:
        return SECTIONS[self.name.partition(".")[0]]

    def named(self, name: str) -> bool:
        """Tell if `name` is this case, a group it is in, or `strict` and this case is."""
        return self.name == name or self.name.startswith(f"{name}.") or (name == STRICT and self.strict)

    def fits(self, order: Order) -> bool:
        return self.credentials in (None, order.credentials)

    def missing(self, order: Order, *, connector: bool) -> str | None:
        """Name the option without which this case has nothing to send, or nobody to send it to."""
        if self.connector and not connector:
            return "--connector-port"
        absent = [name for name in self.needs if not getattr(order, name)]
        return "--" + absent[0].replace("_", "-").replace("features", "plan-features") if absent else None


CASES: list[Case] = []


def case(
    name: str,
    title: str,
    *,
    strict: bool = False,
    credentials: CredentialSupport | None = None,
    needs: tuple[str, ...] = (),
    connector: bool = False,
    into: list[Case] = CASES,
) -> Callable[[Check], Check]:
    """Register a check under a stable name; cases run in the order in which they are registered."""

    def register(check: Check) -> Check:
        into.append(Case(name, title, check, strict, credentials, needs, connector))
        return check

    return register


def selected(cases: Sequence[Case], only: Sequence[str], skip: Sequence[str]) -> list[Case]:
    """Select the cases that `--only` names (all where it names none) less those that `--skip` names."""
    for name in (*only, *skip):
        if not any(case.named(name) for case in cases):
            raise UnknownCase(_unknown(name, cases))
    chosen = [case for case in cases if not only or any(case.named(name) for name in only)]
    return [case for case in chosen if not any(case.named(name) for name in skip)]


def _unknown(name: str, cases: Sequence[Case]) -> str:
    if "://" in name:
        return f"{name} is taken as a case's name: put the URL before --only and --skip"
    near = get_close_matches(name, [case.name for case in cases], n=1)
    return f"no case is named {name}; " + (f"did you mean {near[0]}?" if near else "--list shows the names")
