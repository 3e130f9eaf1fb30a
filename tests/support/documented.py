"""The commands of a page of docs, run as a reader runs them: one shell, first to last.

A block of ``console`` has commands behind ``$ `` and what each answers below it, where ``...`` stands for anything.
A block of ``sh`` has commands alone, and says nothing.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
_BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "---- the next command ----"


@dataclass(frozen=True)
class Step:
    command: str
    answer: str


def steps_of(page: str) -> list[Step]:
    """Every command of a page, in its order."""
    steps: list[Step] = []
    for kind, block in _BLOCK.findall(page):
        steps += [Step(block, "")] if kind == "sh" else _steps_of_console(block)
    return steps


def run(steps: Sequence[Step], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Collect what each command says, its complaints included."""
    script = f"echo '{_MARK}'\n".join(f"{step.command}\n" for step in steps)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return [part.strip() for part in done.stdout.split(_MARK)]


def fits(answer: str, shown: str) -> bool:
    """Tell whether an answer is what the page shows."""
    pattern = ".*".join(re.escape(part) for part in shown.split("..."))
    return re.fullmatch(pattern, answer, re.DOTALL) is not None


def _steps_of_console(block: str) -> list[Step]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a block of console begins with a command: {parts[0]}"
    return [_step(part) for part in parts[1:]]


def _step(part: str) -> Step:
    match = re.match(r"(?:[^\n]*\\\n)*[^\n]*\n?", part)  # a line, and those that follow a backslash
    assert match is not None
    return Step(match[0].rstrip("\n"), part[match.end() :].strip())
