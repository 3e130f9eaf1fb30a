"""Runs of the checker as the tests need them."""

import io
from dataclasses import replace
from typing import Any

from provisioning.checker.cases import CASES
from provisioning.checker.cli import main
from provisioning.checker.keys import MasterKey
from provisioning.checker.order import DOCUMENTED, Order
from provisioning.checker.provider import Provider
from provisioning.checker.registry import Case, selected
from provisioning.checker.runner import Outcome, run
from provisioning.checker.transport import Transport
from tests.provisioning.checker.reference import serving

MASTER = MasterKey.generate()
CONNECTOR = "http://localhost:3001/v1"

OPTIONS: dict[str, Any] = {
    "url": None,
    "master_key": None,
    "save_key": None,
    "product": None,
    "plan": None,
    "region": None,
    "new_plan": None,
    "plan_features": None,
    "new_plan_features": None,
    "credential": "multiple",
    "connector_port": 3001,
    "only": [],
    "skip": [],
    "strict": False,
    "list": False,
    "verbose": False,
    "show_secrets": False,
    "timeout": 5.0,
}


class Nobody:
    """A listener that keeps what it hears to itself."""

    def started(self, case: Case) -> None:
        """Nothing to do."""

    def finished(self, outcome: Outcome) -> None:
        """Nothing to do."""


def provider_at(url: str, order: Order = DOCUMENTED, *, timeout: float = 5.0) -> Provider:
    transport = Transport(url, timeout=timeout, watch=lambda request, reply: None)
    return Provider(transport, MASTER, order, CONNECTOR)


def outcomes_at(url: str, *names: str, single: bool = False, strict: bool = True) -> list[Outcome]:
    order = replace(DOCUMENTED, credentials="single" if single else "multiple")
    cases = [case for case in selected(CASES, names, []) if case.fits(order)]
    return run(cases, provider_at(url, order), strict=strict, listener=Nobody())


def outcome_with(name: str, *faults: str, single: bool = False, strict: bool = True) -> Outcome:
    """What becomes of one case at a reference provider with these faults."""
    with serving(MASTER.public, *faults, single=single) as reference:
        [outcome] = outcomes_at(reference.url, name, single=single, strict=strict)
    return outcome


def command(url: str | None, **options: Any) -> tuple[int, str, str]:
    """The exit code, output and errors of the command."""
    out, errors = io.StringIO(), io.StringIO()
    code = main({**OPTIONS, "url": url, **options}, out, errors)
    return code, out.getvalue(), errors.getvalue()
