"""Reports to the person at the terminal."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioning.checker.connector.answers import Answer, Call
from provisioning.checker.masks import printable
from provisioning.checker.messages import Headers, Reply, Request, header_lines
from provisioning.checker.registry import Case
from provisioning.checker.runner import Outcome, Result

NAME_WIDTH = 44
MARKS = {Result.PASSED: "\u2713", Result.FAILED: "\u2717", Result.WARNED: "!", Result.SKIPPED: "-"}
PLAIN_MARKS = {Result.PASSED: "ok", Result.FAILED: "FAIL", Result.WARNED: "warn", Result.SKIPPED: "skip"}
COLOURS = {Result.PASSED: 32, Result.FAILED: 31, Result.WARNED: 33, Result.SKIPPED: 2}
BOLD = 1


class Output(Protocol):
    """A text stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...

    def fileno(self) -> int: ...


@dataclass(frozen=True)
class Style:
    """Colours on a terminal that wants them (https://no-color.org), ticks where its encoding has them."""

    colour: bool
    encoding: str

    @classmethod
    def of(cls, out: Output, environment: Mapping[str, str] = os.environ, *, no_colour: bool = False) -> "Style":
        terminal = bool(getattr(out, "isatty", bool)())
        wanted = not no_colour and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        return cls(terminal and wanted, getattr(out, "encoding", None) or "utf-8")

    def paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def mark(self, result: Result) -> str:
        try:
            MARKS[result].encode(self.encoding)
            "\u2713".encode(self.encoding)
        except UnicodeEncodeError:
            return self.paint(f"{PLAIN_MARKS[result]:4}", COLOURS[result])
        return self.paint(MARKS[result], COLOURS[result])


class Report:
    """Writes outcomes as they come, under the heading of their section (a `runner.Listener`)."""

    def __init__(self, out: Output, style: Style, *, verbose: bool = False) -> None:
        self._out = out
        self._style = style
        self._verbose = verbose
        self._section = ""
        self._terminal = bool(getattr(out, "isatty", bool)())

    def waiting(self, text: str, seconds: float) -> None:
        """Show on a terminal one line that says what is waited for, and goes away again (a `promises.Progress`)."""
        if self._terminal:
            self._out.write("\r\x1b[K" + (f"  ... {text}, {seconds:.0f} s" if text else ""))
            self._out.flush()

    def line(self, text: str = "") -> None:
        encoding = self._style.encoding
        try:
            self._out.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._out.flush()
        except BrokenPipeError:
            # Whoever read has gone. The run ends, but first it cleans up, and that may want to say something too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
            raise

    def started(self, case: Case) -> None:
        self._heading(case)
        if self._verbose:
            self.line(self._style.paint(f"  {case.name}", BOLD))

    def finished(self, outcome: Outcome) -> None:
        strict = " (strict)" if outcome.case.strict else ""
        mark = self._style.mark(outcome.result)
        self.line(f"  {mark} {outcome.case.name:{NAME_WIDTH}} {outcome.case.title}{strict}")
        for text in outcome.lines:
            self.line(f"      {printable(text)}")

    def listed(self, cases: Sequence[Case]) -> None:
        for case in cases:
            self._heading(case)
            notes = [f"{case.credentials} credentials"] if case.credentials else []
            notes += ["strict"] if case.strict else []
            self.line(f"  {case.name:{NAME_WIDTH}} {case.title}" + (f" ({', '.join(notes)})" if notes else ""))

    def _heading(self, case: Case) -> None:
        if case.section != self._section:
            self._section = case.section
            self.line()
            self.line(self._style.paint(case.section, BOLD))

    def summary(self, outcomes: Sequence[Outcome], left_behind: Sequence[str]) -> None:
        counts = Counter(outcome.result for outcome in outcomes)
        seconds = sum(outcome.seconds for outcome in outcomes)
        parts = [f"{counts[result]} {result.value}" for result in Result if counts[result] or result is Result.PASSED]
        self.line()
        if left_behind:
            self.line(f"Left behind, the provider did not delete: {', '.join(left_behind)}")
        if counts[Result.WARNED]:
            self.line("Warnings are credservice's stricter reading of the documents; --strict makes them failures.")
        worst = Result.FAILED if counts[Result.FAILED] else Result.PASSED
        self.line(self._style.paint(f"{', '.join(parts)}, {seconds:.1f} s", COLOURS[worst]))


class Traffic:
    """Writes every request and answer, for `--verbose`."""

    def __init__(self, report: Report, *, show_secrets: bool) -> None:
        self._report = report
        self._show_secrets = show_secrets

    def __call__(self, request: Request, reply: Reply | None) -> None:
        headers = request.headers if self._show_secrets else request.with_hidden("Authorization").headers
        self._write(">", request.line, headers, request.body.decode("utf-8", "replace"))
        if reply is not None:
            shown = reply.shown_body(show_secrets=self._show_secrets)
            self._write("<", str(reply.status), reply.headers, shown)
        self._report.line()

    def connector(self, call: Call, answer: Answer) -> None:
        """Show a line for each call to the connector; only errors are shown whole, what is granted is secret."""
        body = answer.body.decode().rstrip("\n") if answer.status >= 400 else ""
        self._report.line(f"    @ {printable(call.method)} {printable(call.path)} -> {answer.status} {body}".rstrip())

    def _write(self, arrow: str, first: str, headers: Headers, body: str) -> None:
        lines = [first, *header_lines(headers)]
        if body:
            lines += ["", *printable(body).rstrip("\n").split("\n")]
        for line in lines:
            self._report.line(f"    {arrow} {line}".rstrip())
