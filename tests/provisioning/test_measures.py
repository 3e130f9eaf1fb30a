"""GET /v1/resources/:id/measures."""

import pytest

from provisioning.models import Feature, Plan
from tests.provisioning.conftest import new_id

MONTH = "period_start=2018-05-01T00%3A00%3A00.000Z&period_end=2018-05-31T23%3A59%3A59.000Z"


@pytest.fixture
def metered(bear):
    return Feature.objects.create(product=bear, label="requests", type="number", is_metered=True)


def measures(door, resource_id, query=MONTH, ending=""):
    return door.get(f"/v1/resources/{resource_id}/measures{ending}?{query}")


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_metered_feature_without_use_is_zero(door, metered, resource_id, ending):
    response = measures(door, resource_id, ending=ending)
    assert response.status_code == 200
    assert response.json() == {
        "resource_id": resource_id,
        "period_start": "2018-05-01T00:00:00.000Z",
        "period_end": "2018-05-31T23:59:59.000Z",
        "measures": {"requests": 0},
    }


def test_the_period_is_echoed_as_it_was_sent(door, metered, resource_id):
    query = "period_start=2018-05-01T02:00:00%2B02:00&period_end=2018-06-01t00:00:00z"
    content = measures(door, resource_id, query).json()
    assert (content["period_start"], content["period_end"]) == ("2018-05-01T02:00:00+02:00", "2018-06-01t00:00:00z")


def test_chosen_features_are_not_measured(door, metered, resource_id):
    assert "age" not in measures(door, resource_id).json()["measures"]


def test_metered_features_of_other_plans_are_left_out(door, bear, metered, resource_id):
    other = Feature.objects.create(product=bear, label="storage", type="number", is_metered=True)
    other.plans.set([Plan.objects.get(label="ursa-major")])
    assert measures(door, resource_id).json()["measures"] == {"requests": 0}


def test_where_nothing_is_metered_there_is_no_content(door, resource_id):
    response = measures(door, resource_id)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "period_start=2018-05-01T00%3A00%3A00Z",
        "period_end=2018-05-01T00%3A00%3A00Z",
        "period_start=yesterday&period_end=2018-06-01T00%3A00%3A00Z",
        "period_start=2018-05-01&period_end=2018-06-01T00%3A00%3A00Z",
        "period_start=2018-05-01T00:00:00+02:00&period_end=2018-06-01T00%3A00%3A00Z",
        f"{MONTH}&period_end=2018-05-31T23%3A59%3A59.000Z",
        "period_start=2018-06-01T00%3A00%3A00Z&period_end=2018-05-01T00%3A00%3A00Z",
        "period_start=2018-05-01T00%3A00%3A00Z&period_end=2018-05-01T00%3A00%3A00Z",
        "period_start=%00&period_end=%ff",
    ],
)
def test_a_bad_period_is_refused(door, resource_id, query):
    response = measures(door, resource_id, query)
    assert response.status_code == 400
    assert "period" in response.json()["message"]


def test_an_unknown_resource_is_not_found(door, bear):
    assert measures(door, new_id()).status_code == 404


def test_a_removed_resource_is_not_found(door, resource_id):
    door.delete(f"/v1/resources/{resource_id}")
    assert measures(door, resource_id).status_code == 404
