"""The guide's table of cases is the registry's."""

import re
from pathlib import Path

from provisioning.checker.cases import CASES

GUIDE = Path(__file__).parents[3] / "docs" / "check-provider.md"


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
