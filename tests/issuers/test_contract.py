"""One contract, kept by every issuer that ships."""

import json
import uuid

import pytest
from django.conf import settings

from credservice.issuers import get_issuer, issuer_choices
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest
from credservice.issuers.options import OptionsError, is_value_name
from tests.issuers.cases import CASES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outside")]
OUTSIDE = ("oauth2", "postgresql", "webhook")  # settings name them where an operator does
ALIASES = sorted([*settings.CREDENTIAL_ISSUERS, *OUTSIDE])
LOCAL = sorted(settings.CREDENTIAL_ISSUERS)
each_issuer = pytest.mark.parametrize("alias", ALIASES)
each_of_entered_values = pytest.mark.parametrize("alias", [a for a in LOCAL if not get_issuer(a).generates])
each_that_generates = pytest.mark.parametrize("alias", [*(a for a in LOCAL if get_issuer(a).generates), *OUTSIDE])
sound_options = pytest.mark.parametrize(
    ("alias", "options"), [(alias, options) for alias, case in CASES.items() for options in case.sound]
)
unsound_options = pytest.mark.parametrize(
    ("alias", "options"), [(alias, options) for alias, case in CASES.items() for options in case.unsound]
)


def request_for(alias, **changes):
    case = CASES[alias]
    fields = {"credential_id": str(uuid.uuid4()), "options": case.sound[0], "context": case.context}
    return IssueRequest(**fields | {"entered": case.entered} | changes)


def issue(alias, **changes):
    return get_issuer(alias).issue(request_for(alias, **changes))


def secrets_of(alias, issued):
    return {value for name, value in issued.values.items() if name not in CASES[alias].public}


@each_issuer
def test_it_has_a_case_in_this_suite(alias):
    assert alias in CASES, "add sound and unsound options to tests/issuers/cases.py"


@each_issuer
def test_it_is_an_issuer_and_a_choice_of_forms(alias):
    assert isinstance(get_issuer(alias), Issuer)
    assert (alias, alias) in issuer_choices()


@sound_options
def test_it_accepts_sound_options(alias, options):
    get_issuer(alias).check_options(options)


@unsound_options
def test_it_refuses_unsound_options_with_a_sentence(alias, options):
    with pytest.raises(OptionsError) as caught:
        get_issuer(alias).check_options(options)
    assert len(str(caught.value)) > 10


@each_issuer
def test_it_refuses_an_option_that_it_does_not_know(alias):
    with pytest.raises(OptionsError, match="unknown option 'lifetmie'"):
        get_issuer(alias).check_options({**CASES[alias].sound[0], "lifetmie": 3})


@sound_options
def test_checking_changes_no_option(alias, options):
    before = json.dumps(options)
    get_issuer(alias).check_options(options)
    get_issuer(alias).value_names(options)
    assert json.dumps(options) == before


@sound_options
def test_value_names_are_distinct_and_usable(alias, options):
    names = get_issuer(alias).value_names(options)
    assert isinstance(names, tuple)
    assert names
    assert len(set(names)) == len(names)
    assert all(is_value_name(name) for name in names)


@each_issuer
def test_it_makes_exactly_the_values_that_it_names(alias):
    issued = issue(alias)
    assert isinstance(issued, Issued)
    assert set(issued.values) == set(get_issuer(alias).value_names(CASES[alias].sound[0]))
    assert all(isinstance(value, str) and value for value in issued.values.values())


@each_issuer
def test_the_handle_and_hint_can_be_stored_and_hold_no_value(alias):
    issued = issue(alias)
    stored = json.dumps(dict(issued.handle)) + issued.hint
    assert len(issued.hint) <= 64
    assert not any(value in stored for value in secrets_of(alias, issued))


@each_issuer
def test_a_lookup_is_one_of_the_values(alias):
    issued = issue(alias)
    assert issued.lookup is None or issued.lookup in issued.values.values()


@each_issuer
def test_no_repr_shows_a_value(alias):
    request = request_for(alias)
    issued = get_issuer(alias).issue(request)
    shown = f"{request!r} {issued!r} {get_issuer(alias)!r}"
    assert not any(value in shown for value in secrets_of(alias, issued))


@each_of_entered_values
def test_an_error_holds_no_value(alias):
    entered = {**(CASES[alias].entered or {}), "surplus": "hunter2-hunter2"}
    with pytest.raises(IssueFailed) as caught:
        issue(alias, entered=entered)
    assert not any(value in str(caught.value) for value in entered.values())


@each_that_generates
def test_another_credential_gets_other_values(alias):
    assert not secrets_of(alias, issue(alias)) & secrets_of(alias, issue(alias))


@each_issuer
def test_asked_again_for_one_id_it_makes_no_second_credential_outside(alias):
    """A local issuer has no outside: what it made and nobody stored never existed. Any other must find the first, or
    leave nothing behind that works on."""
    request = request_for(alias)
    first, again = get_issuer(alias).issue(request), get_issuer(alias).issue(request)
    assert get_issuer(alias).local or first.values == again.values or CASES[alias].renews
    assert first.handle == again.handle
    assert (first.values == again.values) == CASES[alias].repeats_alike


@each_issuer
def test_revoking_twice_is_harmless(alias):
    request = request_for(alias)
    issued = get_issuer(alias).issue(request)
    for _ in range(2):
        get_issuer(alias).revoke(request.credential_id, request.options, issued.handle)


@each_issuer
def test_revoking_what_was_never_made_is_harmless(alias):
    """A crash between intent and outcome leaves an id and no handle."""
    get_issuer(alias).revoke(str(uuid.uuid4()), CASES[alias].sound[0], {})
