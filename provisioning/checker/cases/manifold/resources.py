"""Checks PUT and DELETE /resources/:id."""

from typing import Any

from provisioning.checker import expect
from provisioning.checker.cases.manifold.bodies import NOT_OBJECTS, all_refused, malformed_ids
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply
from provisioning.checker.provider import Provider
from provisioning.checker.registry import case


@case("resource.provision.created", "a new resource is provisioned")
def created(provider: Provider) -> None:
    # 200 is an unknown answer to the marketplace's client here: it knows 201, 202 and 204.
    expect.success(provider.put_resource(new_id()), 201, 204)


@case("resource.provision.without_features", "features are optional", needs=("features",))
def without_features(provider: Provider) -> None:
    # The marketplace's own checker provisions without them even where it was given some.
    resource_id = new_id()
    body = {name: value for name, value in provider.order.resource(resource_id).items() if name != "features"}
    expect.success(provider.put_resource(resource_id, body), 201, 204)


@case("resource.provision.repeat", "the same request again is the same success")
def repeat(provider: Provider) -> None:
    expect.success(provider.put_resource(provider.resource()), 201, 204)


@case("resource.provision.conflict", "the same id with another plan is a conflict", needs=("new_plan",))
def conflict(provider: Provider) -> None:
    resource_id = provider.resource()
    expect.refusal(provider.put_resource(resource_id, provider.order.upgraded_resource(resource_id)), 409)


@case("resource.provision.unknown_product", "an unknown product is refused")
def unknown_product(provider: Provider) -> None:
    expect.refusal(_provision(provider, product="not-your-product"), 400)


@case("resource.provision.unknown_plan", "an unknown plan is refused")
def unknown_plan(provider: Provider) -> None:
    expect.refusal(_provision(provider, plan="faulty-plan-name"), 400)


@case("resource.provision.unknown_region", "an unknown and a malformed region are refused")
def unknown_region(provider: Provider) -> None:
    # Without the `::` is what the marketplace's checker sends.
    all_refused(_provision(provider, region=region) for region in ("nowhere::nothing-1", "faulty-region"))


@case("resource.provision.missing_field", "a request without product, plan or region is refused")
def missing_field(provider: Provider) -> None:
    complete = provider.order.resource(new_id())
    bodies = [{key: value for key, value in complete.items() if key != name} for name in ("product", "plan", "region")]
    all_refused(provider.put_resource(complete["id"], body) for body in bodies)


@case("resource.provision.broken_body", "a body that is no JSON object is refused")
def broken_body(provider: Provider) -> None:
    all_refused(provider.put_resource(new_id(), body) for body in NOT_OBJECTS)


@case("resource.provision.wrong_type", "a plan that is no text is refused")
def wrong_type(provider: Provider) -> None:
    plans: list[Any] = [7, None, [], {"label": provider.order.plan}]
    all_refused(_provision(provider, plan=plan) for plan in plans)


@case("resource.provision.unknown_feature", "an unknown feature is refused", strict=True)
def unknown_feature(provider: Provider) -> None:
    features = {**(provider.order.features or {}), "not-your-feature": True}
    expect.refusal(_provision(provider, features=features), 400)


@case("resource.provision.feature_value", "a feature of another kind is refused", strict=True, needs=("features",))
def feature_value(provider: Provider) -> None:
    features = provider.order.features or {}
    all_refused(_provision(provider, features={**features, name: {"not": "a value"}}) for name in features)


@case("resource.provision.malformed_id", "a malformed id is refused", strict=True)
def malformed_id(provider: Provider) -> None:
    all_refused(provider.put_resource(resource_id) for resource_id in malformed_ids())


@case("resource.provision.other_id", "another id in the body than in the path is refused", strict=True)
def other_id(provider: Provider) -> None:
    expect.refusal(_provision(provider, id=new_id()), 400)


@case("resource.provision.unknown_field", "a field that the document does not name is ignored", strict=True)
def unknown_field(provider: Provider) -> None:
    # The published example of a signed request carries `user_id`, which the API's definition does not have.
    expect.success(_provision(provider, user_id=new_id()), 201, 204)


@case("resource.provision.reuse", "the id of a deprovisioned resource is not used again", strict=True)
def reuse(provider: Provider) -> None:
    resource_id = _deprovisioned(provider)
    expect.refusal(provider.put_resource(resource_id), 409)


@case("resource.deprovision.done", "a resource is deprovisioned")
def deprovisioned(provider: Provider) -> None:
    expect.status(provider.delete_resource(provider.resource()), 204)


@case("resource.deprovision.again", "a deprovisioned resource is not found")
def deprovisioned_again(provider: Provider) -> None:
    expect.refusal(provider.delete_resource(_deprovisioned(provider)), 404)


@case("resource.deprovision.unknown", "an unknown resource is not found")
def deprovision_unknown(provider: Provider) -> None:
    expect.refusal(provider.delete_resource(new_id()), 404)


@case("resource.deprovision.credentials", "its credentials are deprovisioned with it")
def deprovisioned_credentials(provider: Provider) -> None:
    resource_id = provider.resource()
    credential = provider.credential(resource_id)
    expect.status(provider.delete_resource(resource_id), 204)
    expect.refusal(provider.delete_credential(credential.id), 404)


def _provision(provider: Provider, **changes: Any) -> Reply:
    resource_id = new_id()
    return provider.put_resource(resource_id, {**provider.order.resource(resource_id), **changes})


def _deprovisioned(provider: Provider) -> str:
    resource_id = provider.resource()
    expect.status(provider.delete_resource(resource_id), 204)
    return resource_id
