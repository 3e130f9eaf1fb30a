"""Refuses at once what the catalogue does not have, with what there is instead."""

import pytest

from provisioning.models import Feature, Plan, Product, Resource
from tests.provisioning.conftest import new_id, order


def refused(door, **changes):
    resource_id = new_id()
    response = door.put(f"/v1/resources/{resource_id}", order(resource_id, **changes))
    assert response.status_code == 400, response.content
    assert not Resource.objects.exists()
    return response.json()["message"]


def test_an_unknown_plan_is_refused_with_those_that_there_are(door, bear):
    message = "The plan 'huge' does not exist for 'bear'. Choose one of: ursa-major, ursa-minor."
    assert refused(door, plan="huge") == message


def test_an_inactive_plan_is_not_offered(door, bear):
    Plan.objects.filter(label="ursa-minor").update(is_active=False)
    assert refused(door, plan="ursa-minor").endswith("Choose one of: ursa-major.")


def test_an_unknown_product_is_refused(door, bear):
    assert refused(door, product="honey") == "The product 'honey' does not exist. Choose one of: bear."


def test_an_inactive_product_takes_no_new_orders(door, bear):
    Product.objects.update(is_active=False)
    assert refused(door) == "The product 'bear' takes no new orders. There is none to choose."


def test_another_marketplaces_product_is_unknown(door, bear):
    from provisioning.models import Marketplace

    other = Marketplace.objects.create(name="other", connector_url="https://other.example/v1")
    Product.objects.create(marketplace=other, label="otter", policy=bear.policy, regions=["all::global"])
    assert "does not exist" in refused(door, product="otter")


def test_a_region_that_the_product_has_not_is_refused(door, bear):
    assert refused(door, region="aws::us-east-1").endswith("Choose one of: all::global.")


@pytest.mark.parametrize("region", ["all", "all::", "::", "ALL::GLOBAL", "all::global ", "a::b"])
def test_a_malformed_region_is_refused(door, bear, region):
    assert "region" in refused(door, region=region)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ({"ready": "yes"}, "The feature 'ready' is true or false."),
        ({"ready": 1}, "The feature 'ready' is true or false."),
        ({"ready": None}, "The feature 'ready' is true or false."),
        ({"hat_color": "green"}, "The feature 'hat_color' cannot be that. Choose one of: red, blue."),
        ({"hat_color": 7}, "The feature 'hat_color' cannot be that. Choose one of: red, blue."),
        ({"hat_color": {"red": 1}}, "The feature 'hat_color' cannot be that. Choose one of: red, blue."),
        ({"age": 0}, "The feature 'age' is a number from 1 to 40."),
        ({"age": 40.5}, "The feature 'age' is a number from 1 to 40."),
        ({"age": "2"}, "The feature 'age' is a number from 1 to 40."),
        ({"age": True}, "The feature 'age' is a number from 1 to 40."),
        ({"age": 10**300}, "The feature 'age' is a number from 1 to 40."),
        ({"wings": 2}, "The plan 'ursa-minor' has no feature 'wings' to choose. Choose one of: age, hat_color, ready."),
    ],
    ids=str,
)
def test_a_feature_that_cannot_be_so_is_refused(door, bear, features, reason):
    assert refused(door, features=features) == reason


@pytest.mark.parametrize("features", [[], "ready", 7, True])
def test_features_are_an_object(door, bear, features):
    assert "JSON object" in refused(door, features=features)


def test_a_metered_feature_cannot_be_chosen(door, bear):
    Feature.objects.create(product=bear, label="requests", type="number", is_metered=True)
    assert "no feature 'requests' to choose" in refused(door, features={"requests": 7})


def test_a_feature_of_other_plans_cannot_be_chosen(door, bear):
    Feature.objects.get(label="age").plans.set([Plan.objects.get(label="ursa-major")])
    assert "no feature 'age' to choose" in refused(door, features={"age": 2})


@pytest.mark.parametrize(("bounds", "words"), [((2, None), "of at least 2"), ((None, 1), "of at most 1")])
def test_a_number_may_have_one_bound(door, bear, bounds, words):
    Feature.objects.filter(label="age").update(minimum=bounds[0], maximum=bounds[1])
    assert refused(door, features={"age": 2 if bounds[1] else 1}) == f"The feature 'age' is a number {words}."


def test_a_long_sentence_is_cut_to_what_the_marketplace_takes(door, bear):
    Plan.objects.bulk_create(Plan(product=bear, label=f"plan-with-a-long-name-{n:03}") for n in range(60))
    assert len(refused(door, plan="x" * 129)) == 255
