"""Foretell what a changed response shape or policy does: to whose answers, and how."""

import copy

import pytest

from exchange.services.answer_impact import foretell_answers
from tests.support.exchange_factories import VALUE, make_policy

NOW = {"apiKey": "$credential.apiKey", "tenant": "$end_user.external_id", "note": "a fixed text"}


def foretold(door, shape=None, *, policy=None):
    """Sentences about the door's integration as it would be."""
    then = copy.copy(door.integration)
    then.response_shape = NOW if shape is None else shape
    then.policy = policy or then.policy
    sentences = foretell_answers(door.integration, then).sentences()
    assert VALUE not in " ".join(sentences)
    return sentences


@pytest.fixture
def answered(door, granted):
    """A door whose customer is answered by ``NOW``."""
    door.integration.response_shape = NOW
    door.integration.save()
    door.end_user.attributes = {"region": "eu", "key": VALUE}
    door.end_user.save()
    return door


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ({"apiKey": NOW["apiKey"], "note": NOW["note"]}, "`tenant` is no longer sent."),
        (NOW | {"region": "$end_user.region"}, "`region` is new."),
        (NOW | {"tenant": "$end_user.region"}, "`tenant` now comes from the customer's attribute region."),
        (NOW | {"apiKey": "$end_user.external_id"}, "`apiKey` now comes from the customer's external_id."),
        (NOW | {"tenant": "$credential.apiKey"}, "`tenant` now comes from the value apiKey."),
        (NOW | {"apiKey": VALUE}, "`apiKey` is now a fixed text."),
        (NOW | {"note": VALUE}, "`note` is another fixed text."),
    ],
)
def test_it_says_how_an_answer_changes_and_no_value(answered, shape, sentence):
    first = "1 installation would be answered differently: install_xyz789."
    assert foretold(answered, shape) == [first, sentence]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("$end_user.plan", "the customer has no attribute plan"),
        ("$installation.region", "the installation has no attribute region"),
        ("$credential.tenant", "its credential has no value tenant"),
    ],
)
def test_it_says_why_there_would_be_no_answer(answered, source, why):
    wider = make_policy(name="wider", options={"names": ["apiKey", "tenant"]})
    told = foretold(answered, NOW | {"tenant": source}, policy=wider)
    assert told == [f"1 installation would get no answer: install_xyz789 ({why}).", ENTERED]


ENTERED = (
    "From now on, apiKey and tenant have to be entered for each customer, also where values are replaced. A backend "
    "that sends apiKey by the vendor API is refused until it sends these."
)


def test_it_tells_whoever_enters_values_of_their_other_names(answered):
    shape = {"apiKey": NOW["apiKey"]}
    answered.integration.response_shape = shape
    wider = make_policy(name="wider", options={"names": ["apiKey", "tenant"]})
    assert foretold(answered, shape, policy=wider) == [ENTERED]
    assert foretold(answered, shape, policy=make_policy(name="same", options={"names": ["apiKey"]})) == []
    answered.installation.delete()
    assert foretold(answered, shape, policy=wider) == [ENTERED]  # of the customer's grant
    answered.end_user.grants.all().delete()
    assert foretold(answered, shape, policy=wider) == []


def test_a_customer_without_our_id_has_none(answered):
    answered.end_user.external_id = ""
    answered.end_user.save()
    answered.integration.response_shape = {"apiKey": NOW["apiKey"]}
    assert foretold(answered) == [
        "1 installation would get no answer: install_xyz789 (the customer has no external_id)."
    ]


def test_another_source_is_told_also_where_it_holds_the_same(answered):
    answered.end_user.attributes = {"tax": "12345", "id": answered.end_user.external_id}
    answered.end_user.save()
    assert foretold(answered, NOW | {"tenant": "$end_user.id"})[1:] == [
        "`tenant` now comes from the customer's attribute id."
    ]
    answered.integration.response_shape = NOW | {"tax": "$end_user.tax"}
    guesses = [foretold(answered, NOW | {"tax": guess, "z": "new"}) for guess in ("1", "12345")]
    assert guesses[0] == guesses[1]
    assert "`tax` is now a fixed text." in guesses[0]


def test_who_is_made_a_credential_today_and_would_have_to_be_given_one_gets_no_answer(door):
    entered = door.integration.policy
    door.generate()
    assert foretold(door, door.integration.response_shape, policy=entered) == [
        "1 installation would get no answer: install_xyz789 (its values would have to be entered).",
        "From now on, apiKey has to be entered for each customer, for nothing makes it. A backend that sends none by "
        "the vendor API is refused until it sends these.",
    ]


def test_who_gets_no_answer_today_loses_none(door):
    assert foretold(door) == []
    generated = make_policy(name="generated", issuer="api_key", options={"name": "apiKey"})
    assert foretold(door, policy=generated) == [
        "The next credentials of 1 installation (rotations of the present ones too) are made by the issuer api_key, "
        "and no longer entered.",
        "Whatever checks the values has to know those that the issuer makes. A backend that sends apiKey by the vendor "
        "API is refused.",
    ]


def test_a_policy_that_settings_have_lost_makes_nothing(answered):
    lost = make_policy(name="lost", options={"names": ["apiKey"]})
    lost.issuer = "lost"
    assert foretold(answered, policy=lost) == []
