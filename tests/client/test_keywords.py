"""A keyword that is misspelt would be a condition, or a part of the body, that is silently left out."""

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from credservice_client import Client

# Of the parameters that must be given, those that are no text.
SAMPLES = {"values": {"apiKey": "v"}, "reports": [], "rows": [], "quantity": 1, "at": datetime.now(UTC), "event": 1}
SAMPLES |= {"since": SAMPLES["at"]}
METHODS = sorted(name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_"))
WRITES = [name for name in METHODS if "idempotency_key" in inspect.signature(getattr(Client, name)).parameters]


def needed(name: str) -> dict[str, Any]:
    """List what the method cannot be called without."""
    parameters = list(inspect.signature(getattr(Client, name)).parameters.values())[1:]
    return {each.name: SAMPLES.get(each.name, "x") for each in parameters if each.default is each.empty}


@pytest.mark.parametrize("name", METHODS)
def test_an_unknown_keyword_is_refused_and_nothing_sent(faulty, name):
    with pytest.raises(TypeError, match="misspelt"):
        faulty([], lambda api: getattr(api, name)(**needed(name), misspelt="x"))


@pytest.mark.parametrize("name", WRITES)
def test_each_condition_that_is_given_is_sent(faulty, name):
    headers = {"idempotency_key": ("k", "idempotency-key", "k"), "if_match": ('"e"', "if-match", '"e"')}
    headers |= {"only_new": (True, "if-none-match", "*")}
    known = [each for each in headers if each in inspect.signature(getattr(Client, name)).parameters]
    given = {each: headers[each][0] for each in known}
    _, received = faulty([], lambda api: getattr(api, name)(**needed(name), **given))
    assert [received[0].headers[headers[each][1]] for each in known] == [headers[each][2] for each in known]
