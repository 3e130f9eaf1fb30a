import pytest

from tests.exchange.factories import make_door


@pytest.fixture
def door(client, db):
    """A platform, an integration whose values are entered, an end user and an installation."""
    return make_door(client)
