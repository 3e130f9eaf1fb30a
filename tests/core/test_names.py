"""Ids and names: one rule, for whoever enters them."""

import pytest
from django.core.exceptions import ValidationError

from credservice.core.names import NameField, fault_of_name


@pytest.mark.parametrize("text", ["", "case09-a", "Ada Lovelace", "Zoë Ωmega", "株式会社 例", "a/b%c+d"])
def test_it_takes_what_one_sees(text):
    assert fault_of_name(text) is None


@pytest.mark.parametrize("text", [" a", "a ", "a\n", "\ta", "a\xa0", "　a", " "])
def test_it_refuses_blanks_at_the_ends(text):
    assert fault_of_name(text) == "begins or ends with a blank"


@pytest.mark.parametrize(
    "text", ["a\nb", "a\u2028b", "a\u200bb", "a\xa0b", "a\x00b", "a\ufeffb", "a\u3164b", "a\ufe0fb"]
)
def test_it_refuses_what_nobody_sees(text):
    assert "invisible" in (fault_of_name(text) or "")


def test_the_field_cleans_by_the_rule_and_is_a_plain_column_for_migrations():
    field = NameField(max_length=64)
    with pytest.raises(ValidationError, match="begins or ends with a blank"):
        field.clean("a ", None)
    assert field.deconstruct()[1] == "django.db.models.CharField"
