"""A provider that does all that is documented passes every case."""

import pytest

from provisioning.checker.cases import CASES
from provisioning.checker.runner import Result
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, outcomes_at


@pytest.mark.parametrize("single", [False, True], ids=["multiple", "single"])
def test_a_faultless_provider_passes_every_case(single):
    with serving(MASTER.public, single=single) as reference:
        outcomes = outcomes_at(reference.url, single=single)
    assert [(outcome.case.name, outcome.lines) for outcome in outcomes if outcome.result is not Result.PASSED] == []


@pytest.mark.parametrize("single", [False, True], ids=["multiple", "single"])
def test_every_case_deletes_what_it_made(single):
    with serving(MASTER.public, single=single) as reference:
        outcomes_at(reference.url, single=single)
        assert (reference.store.resources, reference.store.credentials) == ({}, {})


def test_both_supports_together_run_every_case():
    with serving(MASTER.public) as multiple, serving(MASTER.public, single=True) as one:
        outcomes = outcomes_at(multiple.url) + outcomes_at(one.url, single=True)
    assert {outcome.case.name for outcome in outcomes} == {case.name for case in CASES}


def test_no_case_is_a_group_of_others():
    names = [case.name for case in CASES]
    assert [name for name in names if any(other.startswith(f"{name}.") for other in names)] == []
    assert len(set(names)) == len(names)
