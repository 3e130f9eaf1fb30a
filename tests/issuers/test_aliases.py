import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from credservice.issuers.aliases import BUILT_IN, read_aliases


def test_the_built_in_issuers_need_no_setting():
    assert read_aliases("{}") == read_aliases("") == BUILT_IN


def test_an_operator_adds_an_alias():
    entry = {"BACKEND": "vendor.Issuer", "OPTIONS": {"secret": "env:SECRET"}}
    assert read_aliases(json.dumps({"vendor": entry}))["vendor"] == entry


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"a": "vendor.Issuer"}', "null"])
def test_it_refuses_what_is_no_object_of_aliases(text):
    with pytest.raises(ImproperlyConfigured, match="CREDENTIAL_ISSUERS"):
        read_aliases(text)


def test_it_does_not_quote_what_it_cannot_read():
    with pytest.raises(ImproperlyConfigured) as caught:
        read_aliases('{"a": {"OPTIONS": {"secret": "p4ssword')
    assert "p4ss" not in str(caught.value)


def test_a_built_in_alias_cannot_be_replaced():
    with pytest.raises(ImproperlyConfigured, match="static is built in"):
        read_aliases('{"static": {"BACKEND": "vendor.Issuer"}}')
