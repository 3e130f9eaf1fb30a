"""A connector that has forgotten the resource: the marketplace's own checker does so in a case before."""

import pytest
from django.core.exceptions import ValidationError

from provisioning.checker.connector.answers import Answer
from provisioning.manifold.checks import check_sign_on
from provisioning.manifold.connector import tokens
from provisioning.models import Marketplace
from tests.provisioning.conftest import new_id


@pytest.fixture(autouse=True)
def no_tokens():
    tokens.forget()


@pytest.fixture
def allowing(marketplace):
    """The marketplace, set up for that checker."""
    Marketplace.objects.update(sign_on_404="allow")


@pytest.fixture
def forgotten(user, connector, resource_id):
    """A good link to a resource that the connector has forgotten."""
    query = user.link(resource_id)
    del connector.market.resources[resource_id]
    return query


def test_it_is_refused_by_default(user, forgotten, trail):
    assert user.follow(forgotten).status_code == 401
    assert trail.one(action="sso.sign_on", outcome="refused").reason == "access_refused"


def test_a_row_that_the_release_before_writes_refuses(marketplace):
    assert Marketplace.objects.get().sign_on_404 == "refuse"
    assert Marketplace._meta.get_field("sign_on_404").db_default == "refuse"


def test_it_is_let_in_where_the_marketplace_is_set_up_so(user, allowing, forgotten, connector):
    assert user.follow(forgotten).status_code == 303
    codes = [exchange for exchange in connector.tokens.exchanges if exchange.grant_type == "authorization_code"]
    assert len(codes) == 1  # that checker counts them


def test_a_code_for_another_resource_is_refused_all_the_same(user, allowing, connector, resource_id):
    """The connector finds it for us, so that its 404 is about the user."""
    other = new_id()
    connector.market.resources[other] = {"id": other}
    query = user.link(resource_id, code=connector.tokens.code(other))
    assert user.follow(query).status_code == 401


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_another_answer_is_refused_all_the_same(user, allowing, connector, resource_id, status):
    with connector.failing("/v1/resources", Answer(status, {})):
        assert user.follow(user.link(resource_id)).status_code == 401


def test_in_production_it_is_refused_at_use(user, allowing, forgotten, settings):
    settings.PRODUCTION = True
    assert user.follow(forgotten).status_code == 401


def test_in_production_a_check_refuses_to_start(marketplace, allowing, settings):
    assert check_sign_on(databases=["default"]) == []
    settings.PRODUCTION = True
    (found,) = check_sign_on(databases=["default"])
    assert (found.id, found.is_serious()) == ("provisioning.E002", True)
    Marketplace.objects.update(sign_on_404="refuse")
    assert check_sign_on(databases=["default"]) == []


def test_in_production_nobody_sets_it(marketplace, settings):
    marketplace.sign_on_404 = "allow"
    marketplace.full_clean()
    settings.PRODUCTION = True
    with pytest.raises(ValidationError, match="refused in production"):
        marketplace.full_clean()
