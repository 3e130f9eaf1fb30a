"""Nothing quoted from other people's servers holds a secret of ours, in whatever form it was sent."""

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest

from credservice.issuers.masking import masked

SECRET = 'pässword / with + all\tof "it"'


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text,
        lambda text: quote(text, safe=""),
        quote_plus,
        lambda text: json.dumps(text),
        lambda text: b64encode(text.encode()).decode(),
    ],
)
def test_each_form_of_a_secret_is_masked(form):
    assert "ssword" not in masked(f"I got {form(SECRET)}!", [SECRET])
    assert b64encode(SECRET.encode()).decode()[:12] not in masked(f"I got {form(SECRET)}!", [SECRET])


def test_a_secret_that_is_part_of_another_leaves_no_rest():
    assert masked("<abc-def>", ["abc", "abc-def"]) == "<[secret]>"


def test_an_empty_secret_masks_nothing():
    assert masked("refused", ["", "x" * 20]) == "refused"


def test_the_text_is_on_one_line():
    assert masked("a\nb\x1b[31mc", []) == "a b [31mc"
