"""The exchange door of these tests."""

import pytest

from credservice.credentials.models import Credential
from tests.exchange.factories import Door, make_door


@pytest.fixture
def door(client, db) -> Door:
    """A platform, an integration, an end user and an installation; nothing is granted yet."""
    return make_door(client)


@pytest.fixture
def granted(door) -> Credential:
    """A stored credential, granted to the door's end user."""
    return door.grant()
