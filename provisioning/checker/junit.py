"""Writes JUnit XML of a run, for continuous integration."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from provisioning.checker.masks import printable
from provisioning.checker.registry import Case
from provisioning.checker.runner import Outcome, Result

SUITE = "check_provider"
ELEMENTS = {Result.FAILED: "failure", Result.SKIPPED: "skipped", Result.WARNED: "system-out"}


class Unwritable(ValueError):
    """The file cannot be written; the text is one sentence."""


class JUnit:
    """Collects outcomes (a `runner.Listener`) and writes them to `path`, also those of a run that was stopped."""

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url
        self._outcomes: list[Outcome] = []
        # Now, so that a name that cannot be written is told before the run and not after it.
        self.write()

    def started(self, case: Case) -> None:
        """Do nothing: there is nothing to write yet."""

    def finished(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)

    def write(self, error: str | None = None) -> None:
        """Replace the file. `error`: why the run could not be made at all."""
        root = ET.Element("testsuites")
        suite = ET.SubElement(root, "testsuite", self._counts(errors=error is not None))
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", {"name": "url", "value": self._url})
        for outcome in self._outcomes:
            _add(suite, outcome)
        if error is not None:
            stopped = ET.SubElement(suite, "testcase", {"classname": SUITE, "name": "preflight"})
            ET.SubElement(stopped, "error", {"message": printable(error)})
        ET.indent(root)
        try:
            ET.ElementTree(root).write(self._path, encoding="utf-8", xml_declaration=True)
        except OSError as problem:
            raise Unwritable(f"cannot write {self._path}: {problem.strerror}") from problem

    def _counts(self, *, errors: bool) -> dict[str, str]:
        results = [outcome.result for outcome in self._outcomes]
        return {
            "name": SUITE,
            "tests": str(len(results) + errors),
            "failures": str(results.count(Result.FAILED)),
            "errors": str(int(errors)),
            "skipped": str(results.count(Result.SKIPPED)),
            "time": f"{sum(outcome.seconds for outcome in self._outcomes):.3f}",
        }


def _add(suite: ET.Element, outcome: Outcome) -> None:
    group, _, _ = outcome.case.name.rpartition(".")
    attributes = {"classname": f"{SUITE}.{group}", "name": outcome.case.name, "time": f"{outcome.seconds:.3f}"}
    case = ET.SubElement(suite, "testcase", attributes)
    if outcome.result is Result.PASSED:
        return
    lines: Sequence[str] = [printable(line) for line in outcome.lines]
    element = ET.SubElement(case, ELEMENTS[outcome.result])
    if outcome.result is Result.WARNED:
        lines = ["warning: credservice's stricter reading of the documents", *lines]
    else:
        element.set("message", lines[0])
    element.text = "\n".join(lines)
