"""The guide's table of cases is the registry's."""

import re

from provisioning.checker.cases.manifold import CASES
from provisioning.checker.cases.osb import OSB_CASES
from tests.support.paths import ROOT

GUIDE = ROOT / "docs" / "check-provider.md"


def listed() -> dict[str, bool]:
    """Case names of the table under "The cases", with whether each is marked as strict."""
    names, group = {}, ""
    for row in GUIDE.read_text().partition("## The cases")[2].splitlines():
        cells = row.split("|")
        if len(cells) == 5 and "`" in cells[2]:
            group = cells[1].strip().strip("`") or group
            names.update({f"{group}.{name}": bool(star) for name, star in re.findall(r"`(\w+)`(\*?)", cells[2])})
    return names


def test_the_guide_lists_every_case_and_no_other():
    assert listed() == {case.name: case.strict for case in CASES}


def test_the_guide_lists_every_case_of_the_other_protocol():
    part = GUIDE.read_text().partition("## An Open Service Broker")[2].partition("CI runs it")[0]
    rows = [row.split("|") for row in part.splitlines() if row.startswith("| `")]
    found = {
        f"{row[1].strip().strip('`')}.{name}": bool(star)
        for row in rows
        for name, star in re.findall(r"`([\w.]+)`(\*?)", row[2])
    }
    assert found == {case.name: case.strict for case in OSB_CASES}
