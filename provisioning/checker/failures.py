"""Why a case did not pass."""

from provisioning.checker.messages import Reply


class Failure(Exception):
    """The provider did something else than documented; the text is for its developer."""

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        super().__init__(reason)
        self.details: tuple[str, ...] = () if reply is None else _details(reply)

    @property
    def lines(self) -> tuple[str, ...]:
        return (str(self), *self.details)


class Deviation(Failure):
    """Documented, but credservice reads the document more strictly than the marketplace's own tools do."""


def _details(reply: Reply) -> tuple[str, ...]:
    line = f"{reply.request.line} -> {reply.status}"
    return (line, reply.excerpt()) if reply.body else (f"{line}, empty body",)


def raise_all(failures: list[Failure]) -> None:
    """Nothing where the list is empty; one failure that says them all otherwise, strict only where all of them are."""
    if not failures:
        return
    kind = Deviation if all(isinstance(failure, Deviation) for failure in failures) else Failure
    joined = kind(str(failures[0]))
    joined.details = tuple(line for failure in failures for line in failure.lines)[1:]
    raise joined
