"""A database from before 0.1.0, migrated and bound: every value that was sealed is as good as before.

The checks are those of the database that is only migrated.
"""

from collections.abc import Iterator

import pytest

from tests.upgrades.conftest import Upgraded, upgraded_from
from tests.upgrades.test_from_0_1 import (  # noqa: F401 - collected here once more
    console,
    expected,
    http,
    manifold,
    mindcloud,
    proven,
    test_a_call_that_was_made_before_is_answered_from_memory,
    test_a_key_is_found_by_its_digests,
    test_a_password_with_a_code_signs_in,
    test_a_refused_call_is_there_for_the_signature_debugger,
    test_a_users_session_at_a_resource_goes_on,
    test_exchanges_answer_the_values_that_were_stored,
    test_mindcloud_is_called_with_the_key_that_was_entered,
    test_repeated_orders_of_the_marketplace_are_answered_the_same,
    test_the_marketplace_hears_the_outcomes_that_it_waits_for,
    test_the_signing_secret_before_the_current_one_still_verifies,
    test_what_was_revoked_ends_outside_as_well,
    test_who_was_signed_in_still_is,
    work,
)


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    with upgraded_from("from_0_1", ["bind_sealed"], ["check_sealed"]) as upgraded:
        yield upgraded


def test_every_value_was_bound(upgraded: Upgraded) -> None:
    bound, checked = (upgraded.commands[name] for name in ("bind_sealed", "check_sealed"))
    assert (bound.returncode, checked.returncode) == (0, 0), bound.stderr + checked.stderr
    assert "values were bound." in bound.stdout
    assert f"All {upgraded.expected['sealed']} sealed values open." in checked.stdout
    assert "row alone" not in checked.stdout
    assert "Take ACCEPT_ROW_BOUND out of the settings" in bound.stdout


def test_it_is_served_without_the_setting_that_accepts_the_older_form(upgraded: Upgraded) -> None:
    assert "ACCEPT_ROW_BOUND" not in upgraded.service.environment
