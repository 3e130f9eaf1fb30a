"""Says why a case did not pass."""

from collections.abc import Sequence

from provisioning.checker.messages import Reply


class Failure(Exception):
    """The provider did something else than documented; the text is for its developer."""

    def __init__(self, reason: str, *replies: Reply) -> None:
        super().__init__(reason)
        self.reason = reason
        self.replies = replies

    @property
    def lines(self) -> tuple[str, ...]:
        """List the reason, each request with its status, and each different body once."""
        requests = [f"{reply.request.line} -> {reply.outcome}" for reply in self.replies]
        bodies = dict.fromkeys(reply.excerpt() if reply.body else "(empty body)" for reply in self.replies)
        return (self.reason, *requests, *bodies)


class NotApplicable(Exception):
    """The case is not about this provider; the text says why."""


class Deviation(Failure):
    """Documented, but credservice reads the document more strictly than the marketplace's own tools do."""


class Failures(Failure):
    """Several at once; those of one reason are told together."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(failures[0].reason, *(reply for failure in failures for reply in failure.replies))
        by_reason: dict[str, list[Reply]] = {}
        for failure in failures:
            by_reason.setdefault(failure.reason, []).extend(failure.replies)
        self._joined = [Failure(reason, *replies) for reason, replies in by_reason.items()]

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for failure in self._joined for line in failure.lines)


class Deviations(Failures, Deviation):
    """Several at once, all of them deviations."""


def raise_all(failures: Sequence[Failure]) -> None:
    """Raise these as one; a Deviation only where all of them are. Nothing where there are none."""
    if failures:
        raise (Deviations if all(isinstance(failure, Deviation) for failure in failures) else Failures)(failures)
