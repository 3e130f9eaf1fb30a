"""No regular expression of ours takes long over a text that is sent: what backtracks holds up a whole process."""

import ast
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.structure import source

SECONDS = 1.0  # an expression that backtracks takes minutes
PARTS = (
    *(
        "a",
        "A",
        "1",
        " ",
        "\u00a0",
        "\t",
        "-",
        "_",
        ".",
        "/",
        ":",
        "+",
        "@",
        "=",
        "$",
        "(",
        "[",
        "\\",
        "é",
        "%20",
        '"a"',
    ),
    *("a.", "a-", "a=", "a,", "a;", "A ", "A.", "A-", "A/", "A_", "aA", "A1", "1d", "1d "),
)
TEXTS = tuple(
    before + part * 40 + after for part in PARTS for before in ("", "a", "x://") for after in ("!", "1", "x", "\u00a0!")
)


def expressions(path: Path) -> Iterator["re.Pattern[str] | re.Pattern[bytes]"]:
    """Compile those that a module keeps under a name of its own."""
    found: dict[str, Any] = {"re": re}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            try:
                exec(compile(ast.Module([node], []), path.name, "exec"), found)
            except Exception:
                continue
    yield from (value for value in found.values() if isinstance(value, re.Pattern))


@pytest.mark.parametrize(
    "path", [path for path in source.MODULES if "re.compile(" in path.read_text()], ids=lambda path: str(path)
)
def test_none_takes_long(path: Path) -> None:
    slow = {(pattern.pattern, text) for pattern in expressions(path) for text in TEXTS if _takes_long(pattern, text)}
    assert slow == set()


def _takes_long(pattern: "re.Pattern[str] | re.Pattern[bytes]", text: str) -> bool:
    given = text.encode() if isinstance(pattern.pattern, bytes) else text

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        pattern.fullmatch(given)  # type: ignore[arg-type]
        pattern.search(given)  # type: ignore[arg-type]
    except TimeoutError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return False
