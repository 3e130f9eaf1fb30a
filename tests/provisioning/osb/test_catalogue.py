"""Reads what a platform may order, as it does."""

import itertools

from provisioning.models import Plan, Product
from tests.provisioning.osb.conftest import VERSION


def test_a_product_is_a_service_with_the_schemas_of_its_features(platform, queue, small, large):
    (service,) = platform.get("/catalog").json()["services"]
    assert (service["id"], service["name"], service["description"]) == (str(queue.pk), "queue", "Queue")
    assert (service["bindable"], service["plan_updateable"]) == (True, True)
    plans = {plan["name"]: plan for plan in service["plans"]}
    assert (plans["small"]["id"], plans["small"]["free"]) == (str(small.pk), True)
    assert plans["small"]["metadata"] == {"bullets": ["one"]}
    assert plans["large"]["maintenance_info"] == {"version": "2.1.0"}
    assert (plans["large"]["free"], plans["large"]["binding_rotatable"]) == (False, True)
    create = plans["small"]["schemas"]["service_instance"]["create"]["parameters"]
    assert create["properties"] == {
        "size": {"type": "number", "minimum": 1, "maximum": 10},
        "color": {"type": "string", "enum": ["red", "blue"]},
    }
    assert create["additionalProperties"] is False


def test_a_feature_of_one_plan_is_in_that_plans_schema(platform, queue, large):
    queue.features.get(label="size").plans.add(large)
    (service,) = platform.get("/catalog").json()["services"]
    sizes = [
        "size" in plan["schemas"]["service_instance"]["create"]["parameters"]["properties"]
        for plan in sorted(service["plans"], key=lambda plan: plan["name"])
    ]
    assert sizes == [True, False]


def test_what_is_withdrawn_is_not_offered(platform, queue, small, large, policy, platform_row):
    Product.objects.create(marketplace=platform_row, label="without-plans", policy=policy)
    small.is_active = False
    small.save()
    (service,) = platform.get("/catalog").json()["services"]
    assert [plan["name"] for plan in service["plans"]] == ["large"]
    queue.is_active = False
    queue.save()
    assert platform.get("/catalog").json() == {"services": []}


def test_an_unchanged_catalogue_is_304(platform, queue, small):
    first = platform.get("/catalog")
    known = platform.headers | {"If-None-Match": first["ETag"]}
    again = platform.get("/catalog", headers=known)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    small.description = "Another"
    small.save()
    assert platform.get("/catalog", headers=known).status_code == 200
    assert platform.get("/catalog", headers=known | {"If-None-Match": "nonsense"}).status_code == 400
    assert platform.get("/catalog", headers=VERSION | {"If-None-Match": first["ETag"]}).status_code == 401


def test_each_change_of_an_operator_is_in_the_next_answer(platform, queue, small, large, policy):
    size = queue.features.get(label="size")
    changes = (
        lambda: Product.objects.filter(pk=queue.pk).update(tags=["new"]),
        lambda: Plan.objects.filter(pk=small.pk).update(restricts_changes=True),
        lambda: small.changes_to.add(large),
        lambda: type(size).objects.filter(pk=size.pk).update(maximum=20),
        lambda: size.plans.add(large),
        lambda: size.plans.set([small]),
        lambda: type(policy).objects.filter(pk=policy.pk).update(multiple=False),
        size.delete,
    )
    answers = [platform.get("/catalog").content]
    for change in changes:
        change()
        answers.append(platform.get("/catalog").content)
    assert all(before != after for before, after in itertools.pairwise(answers))
