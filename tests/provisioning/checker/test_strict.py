"""Credservice's stricter reading warns, and fails only where it is asked to."""

import pytest

from provisioning.checker.failures import Deviation, Failure, raise_all
from provisioning.checker.runner import Result
from tests.provisioning.checker.support import outcome_with


def test_a_strict_case_warns():
    outcome = outcome_with("resource.provision.reuse", "ids used again", strict=False)
    assert outcome.result is Result.WARNED


def test_a_strict_case_fails_where_strictness_is_asked_for():
    assert outcome_with("resource.provision.reuse", "ids used again").result is Result.FAILED


def test_a_stale_date_answered_with_400_warns_as_the_marketplaces_go_library_answers_it():
    outcome = outcome_with("signature.refused.stale", "400 for unreadable", strict=False)
    assert (outcome.result, "expected 401, got 400" in outcome.lines[0]) == (Result.WARNED, True)


def test_a_stale_date_that_is_accepted_fails():
    assert outcome_with("signature.refused.stale", "age unchecked", strict=False).result is Result.FAILED


def test_one_endpoint_that_accepts_outweighs_others_that_deviate():
    with pytest.raises(Failure) as raised:
        raise_all([Deviation("answers 400"), Failure("accepts"), Deviation("answers 400")])
    assert not isinstance(raised.value, Deviation)
    assert raised.value.lines == ("answers 400", "accepts")


def test_credentials_without_a_message_warn():
    outcome = outcome_with("credential.provision.created", "no credential message", strict=False)
    assert (outcome.result, "should carry a `message`" in outcome.lines[0]) == (Result.WARNED, True)
