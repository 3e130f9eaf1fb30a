"""Collects bodies and ids that no provider should take."""

from collections.abc import Iterable

from provisioning.checker import expect
from provisioning.checker.failures import Failure, raise_all
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply

NOT_OBJECTS = (b'{"id": ', b"[]\n", b'"bear"\n', b"\xff\xfe{}")


def malformed_ids() -> list[str]:
    """Make ids too short, too long, with letters that the alphabet leaves out, and with capitals."""
    return ["not-an-id", new_id()[:-1], new_id() + "0", "i" + new_id()[1:], "A" + new_id()[1:]]


def all_refused(replies: Iterable[Reply], status: int = 400) -> None:
    """Expect this status of every one; fail with all that were answered otherwise."""
    failures: list[Failure] = []
    for reply in replies:
        try:
            expect.refusal(reply, status)
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
