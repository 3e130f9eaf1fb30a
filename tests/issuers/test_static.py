"""Entered values: all of them, no others, and none that could not be kept."""

import pytest

from credservice.crypto.envelope import MAX_VALUE_BYTES
from credservice.issuers.base import IssueFailed, IssueRequest
from credservice.issuers.static import StaticIssuer

OPTIONS = {"names": ["user", "password"]}


def issue(entered):
    return StaticIssuer().issue(IssueRequest("id", OPTIONS, {}, entered))


def test_the_values_are_those_that_were_entered():
    assert issue({"user": "ann", "password": " päss\twörd\n"}).values == {"user": "ann", "password": " päss\twörd\n"}


def test_a_value_may_have_the_greatest_size():
    assert issue({"user": "ann", "password": "é" * (MAX_VALUE_BYTES // 2)})


def test_a_refusal_says_which_names_the_policy_has_now():
    with pytest.raises(IssueFailed, match="the policy's names are now user, password"):
        issue({"user": "ann", "password": "x", "other": "y"})


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        (None, "needs a value for 'user'"),
        ({}, "needs a value for 'user'"),
        ({"user": "ann"}, "needs a value for 'password'"),
        ({"user": "ann", "password": ""}, "needs a value for 'password'"),
        ({"user": "ann", "password": "x", "other": "y"}, "has no value named 'other'"),
        ({"user": "ann", "password": "nul\x00"}, "needs for 'password' a text of at most 16 KiB"),
        ({"user": "ann", "password": "lone\ud800"}, "needs for 'password' a text"),
        ({"user": "ann", "password": "é" * (MAX_VALUE_BYTES // 2 + 1)}, "needs for 'password' a text"),
        ({"user": "ann", "password": 12345}, "needs for 'password' a text"),
        ({"user": "ann", "password": ["a"]}, "needs for 'password' a text"),
        ({"user": "ann", "password": b"bytes"}, "needs for 'password' a text"),
    ],
)
def test_other_values_are_refused(entered, sentence):
    with pytest.raises(IssueFailed, match=sentence):
        issue(entered)
