"""A provider that does all that is documented passes every case."""

import pytest

from provisioning.checker.cases.manifold import CASES
from provisioning.checker.runner import Result
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, connecting, outcomes_at

MODES = pytest.mark.parametrize("slow", [False, True], ids=["synchronous", "asynchronous"])
SUPPORTS = pytest.mark.parametrize("single", [False, True], ids=["multiple", "single"])
NO_202 = "the provider answers this at once"


@MODES
@SUPPORTS
def test_a_faultless_provider_passes_every_case_and_keeps_nothing(single, slow):
    with connecting() as connector:
        with serving(MASTER.public, single=single, connector=connector.url, slow=slow) as reference:
            outcomes = outcomes_at(reference.url, single=single, connector=connector)
        assert (reference.store.resources, reference.store.credentials) == ({}, {})
    missed = [outcome for outcome in outcomes if outcome.result is not Result.PASSED]
    assert [(it.case.name, it.lines) for it in missed if slow or not it.case.name.startswith("async.")] == []


def test_without_a_connector_the_cases_that_need_one_say_so():
    with serving(MASTER.public) as reference:
        outcomes = outcomes_at(reference.url)
    skipped = [outcome for outcome in outcomes if outcome.result is not Result.PASSED]
    assert {outcome.lines for outcome in skipped} == {("needs --connector-port",)}
    assert {outcome.case.name.partition(".")[0] for outcome in skipped} == {"sso", "async"}


def test_a_provider_that_answers_at_once_is_not_asked_for_callbacks():
    with connecting() as connector, serving(MASTER.public, connector=connector.url) as reference:
        outcomes = outcomes_at(reference.url, "async", connector=connector)
    assert {outcome.result for outcome in outcomes} == {Result.SKIPPED}
    assert {outcome.lines for outcome in outcomes} == {(NO_202,)}


def test_both_supports_together_run_every_case():
    with serving(MASTER.public) as multiple, serving(MASTER.public, single=True) as one:
        outcomes = outcomes_at(multiple.url) + outcomes_at(one.url, single=True)
    assert {outcome.case.name for outcome in outcomes} == {case.name for case in CASES}


def test_no_case_is_a_group_of_others():
    names = [case.name for case in CASES]
    assert [name for name in names if any(other.startswith(f"{name}.") for other in names)] == []
    assert len(set(names)) == len(names)
