"""Issuers by alias: found once, and a clear sentence where settings name none that works."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from credservice.issuers import get_issuer
from credservice.issuers.base import Issuer


class Configured(Issuer):
    def __init__(self, *, url):
        self.url = url


def test_an_issuer_is_built_once():
    assert get_issuer("static") is get_issuer("static")


def test_options_of_the_alias_reach_the_issuer(settings):
    settings.CREDENTIAL_ISSUERS = {"mine": {"BACKEND": f"{__name__}.Configured", "OPTIONS": {"url": "https://x"}}}
    assert get_issuer("mine").url == "https://x"


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, "names no issuer 'mine' with a BACKEND"),
        ({"BACKEND": "no.such.Issuer"}, r"\['mine'\]: No module named 'no'"),
        ({"BACKEND": "credservice.issuers.static.Nothing"}, "does not define a"),
        ({"BACKEND": "nodots"}, "doesn't look like a module path"),
        ({"BACKEND": "uuid.UUID"}, "one of the hex"),
        ({"BACKEND": "builtins.dict"}, "builtins.dict is no Issuer"),
        ({"BACKEND": f"{__name__}.Configured"}, "missing 1 required keyword-only argument: 'url'"),
        (
            {"BACKEND": "credservice.issuers.static.StaticIssuer", "OPTIONS": {"a": 1}},
            "StaticIssuer takes no OPTIONS: a",
        ),
        ("static", r"\['mine'\]"),
    ],
)
def test_settings_that_name_no_issuer_are_refused_with_a_sentence(settings, entry, sentence):
    settings.CREDENTIAL_ISSUERS = {"mine": entry}
    with pytest.raises(ImproperlyConfigured, match=sentence):
        get_issuer("mine")


def test_an_alias_that_settings_do_not_name_is_refused():
    with pytest.raises(ImproperlyConfigured, match="names no issuer 'nobody'"):
        get_issuer("nobody")


def test_a_refusal_quotes_no_option_value(settings):
    options = {"password": "hunter2"}
    settings.CREDENTIAL_ISSUERS = {"mine": {"BACKEND": "credservice.issuers.static.StaticIssuer", "OPTIONS": options}}
    with pytest.raises(ImproperlyConfigured) as caught:
        get_issuer("mine")
    assert "hunter2" not in str(caught.value)
