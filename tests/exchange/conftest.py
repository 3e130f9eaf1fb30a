"""The exchange door of these tests."""

import pytest

from credservice.audit import refusals
from tests.support.exchange_factories import make_door


@pytest.fixture(autouse=True)
def _every_refusal_recorded(monkeypatch):
    """The refusals of earlier tests count towards no sample of this one."""
    monkeypatch.setattr(refusals, "_sampler", refusals.Sampler())


@pytest.fixture
def door(client, db):
    """A platform, an integration, an end user and an installation; nothing is granted yet."""
    return make_door(client)


@pytest.fixture
def granted(door):
    """A stored credential, granted to the door's end user."""
    return door.grant()
