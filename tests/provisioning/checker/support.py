"""Runs of the checker as the tests need them."""

import io
import socket
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from provisioning.checker.cases.manifold import CASES
from provisioning.checker.cli import main
from provisioning.checker.connector import Client, Connector
from provisioning.checker.keys import MasterKey
from provisioning.checker.order import DOCUMENTED, Order
from provisioning.checker.promises import Promises
from provisioning.checker.provider import Provider
from provisioning.checker.registry import Case, selected
from provisioning.checker.runner import Outcome, run
from provisioning.checker.transport import Transport
from tests.provisioning.checker.reference import serving

MASTER = MasterKey.generate()
CONNECTOR = "http://localhost:3001/v1"
# For callbacks that should come, on a busy machine too; and for those that a fault may keep from coming.
PATIENT_SECONDS, CALLBACK_SECONDS = 20.0, 1.0

OPTIONS: dict[str, Any] = {
    "url": None,
    "protocol": "manifold",
    "user": None,
    "password_file": None,
    "master_key": None,
    "save_key": None,
    "product": None,
    "plan": None,
    "region": None,
    "new_plan": None,
    "plan_features": None,
    "new_plan_features": None,
    "credential": "multiple",
    "connector_port": None,
    "client_id": Client().id,
    "client_secret": Client().secret,
    "callback_timeout": PATIENT_SECONDS,
    "junit": None,
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


def provider_at(
    url: str, order: Order = DOCUMENTED, *, timeout: float = 5.0, promises: Promises | None = None
) -> Provider:
    transport = Transport(url, timeout=timeout, watch=lambda request, reply: None)
    return Provider(transport, MASTER, order, promises.connector.url if promises else CONNECTOR, promises)


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def connecting() -> Connector:
    """A connector on a free port, to be entered."""
    return Connector(0, Client())


def outcomes_at(
    url: str,
    *names: str,
    single: bool = False,
    strict: bool = True,
    connector: Connector | None = None,
    seconds: float = PATIENT_SECONDS,
) -> list[Outcome]:
    order = replace(DOCUMENTED, credentials="single" if single else "multiple")
    cases = [case for case in selected(CASES, names, []) if case.fits(order)]
    promises = Promises(connector, seconds, lambda text, seconds: None) if connector else None
    return run(cases, provider_at(url, order, promises=promises), strict=strict, listener=Nobody())


def outcome_with(name: str, *faults: str, single: bool = False, strict: bool = True, slow: bool = False) -> Outcome:
    """Run one case at a reference provider with these faults, which is slow for the cases about that."""
    slow = slow or name.startswith("async.")
    with ExitStack() as stack:
        connector = stack.enter_context(connecting()) if slow or name.startswith("sso.") else None
        url = connector.url if connector else ""
        reference = stack.enter_context(serving(MASTER.public, *faults, single=single, connector=url, slow=slow))
        options: dict[str, Any] = {"single": single, "strict": strict, "connector": connector}
        [outcome] = outcomes_at(reference.url, name, seconds=CALLBACK_SECONDS, **options)
    return outcome


def command(url: str | None, **options: Any) -> tuple[int, str, str]:
    """The exit code, output and errors of the command."""
    out, errors = io.StringIO(), io.StringIO()
    code = main({**OPTIONS, "url": url, **options}, out, errors)
    return code, out.getvalue(), errors.getvalue()
