"""Runs cases, each on its own, and says what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Protocol

from provisioning.checker.failures import Deviation, Failure, NotApplicable
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Request
from provisioning.checker.order import Order
from provisioning.checker.promises import Promises
from provisioning.checker.provider import Provider
from provisioning.checker.registry import Case
from provisioning.checker.signer import sign
from provisioning.checker.transport import NoReply


class Result(Enum):
    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """`lines`: why, for the provider's developer; empty where the case passed. `seconds`: how long it took."""

    case: Case
    result: Result
    lines: tuple[str, ...] = ()
    seconds: float = 0.0


class Listener(Protocol):
    """Follows a run."""

    def started(self, case: Case) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class Checked(Protocol):
    """Describes what cases are run on: a provider, by whatever protocol."""

    order: Order
    promises: Promises | None

    def check_callbacks(self) -> None: ...

    def clean_up(self) -> None: ...


class Unreachable(Exception):
    """Nothing answers at the URL; the text is one sentence."""


class Untrusted(Exception):
    """The provider answers 401 to correctly signed requests; `request` is one of them."""

    def __init__(self, request: Request) -> None:
        super().__init__("the provider answers 401 to every correctly signed request")
        self.request = request


def preflight(provider: Provider) -> None:
    """Make two signed calls about a missing resource. Raises Unreachable, or Untrusted where both are 401."""
    path = f"/resources/{new_id()}"
    patch = provider.request("PATCH", path, provider.order.unchanged())
    requests = [sign(request, provider.live) for request in (patch, provider.request("DELETE", path))]
    try:
        replies = [provider.send(request) for request in requests]
    except NoReply as failure:
        raise Unreachable(f"no provider answers at {provider.transport.url}: {failure.problem}") from failure
    if all(reply.status == 401 for reply in replies):
        raise Untrusted(requests[0])


class Listeners:
    """Several of them as one."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def started(self, case: Case) -> None:
        for listener in self._listeners:
            listener.started(case)

    def finished(self, outcome: Outcome) -> None:
        for listener in self._listeners:
            listener.finished(outcome)


def run(cases: Sequence[Case], provider: Checked, *, strict: bool, listener: Listener) -> list[Outcome]:
    """Run each case, and tell each outcome as it comes. `strict`: a deviation fails instead of warning."""
    outcomes = []
    for case in cases:
        listener.started(case)
        outcomes.append(_outcome(case, provider, strict=strict))
        listener.finished(outcomes[-1])
    return outcomes


def _outcome(case: Case, provider: Checked, *, strict: bool) -> Outcome:
    missing = case.missing(provider.order, connector=provider.promises is not None)
    if missing is not None:
        return Outcome(case, Result.SKIPPED, (f"needs {missing}",))
    started = monotonic()
    try:
        case.check(provider)
        provider.check_callbacks()
    except NotApplicable as reason:
        return Outcome(case, Result.SKIPPED, (str(reason),), monotonic() - started)
    except Failure as failure:
        lenient = not strict and (case.strict or isinstance(failure, Deviation))
        result = Result.WARNED if lenient else Result.FAILED
        return Outcome(case, result, failure.lines, monotonic() - started)
    finally:
        # Also after Ctrl-C, which then goes on to end the run.
        provider.clean_up()
    return Outcome(case, Result.PASSED, (), monotonic() - started)
