"""Another protocol in the place of Manifold's: the core serves it without knowing either."""

import re
from typing import Any, ClassVar

import pytest
from django.core.checks.registry import registry
from django.core.exceptions import ValidationError

from credservice.core.exceptions import Conflict, Invalid, ServiceError
from credservice.issuers.base import Issued
from provisioning import refusals, services, tasks
from provisioning.caller import Caller
from provisioning.checks import check_provisioners
from provisioning.manifold.checks import check_sign_on, check_test_keys
from provisioning.models import Callback, Marketplace, Operation
from provisioning.orders import PlanOrder, ResourceOrder
from provisioning.protocols import Protocol, register_protocol
from provisioning.services import Accepted
from provisioning.services.deferred import ReplyTo
from tests.provisioning.test_outside_issuers import OutsideIssuer

ORDER = ResourceOrder("bear", "ursa-minor", "all::global")


class Polling(Protocol[Marketplace]):
    """Its marketplaces ask how far the work is, and take values of lower-case names."""

    name, title = "polling", "Polling"
    value_name = re.compile(r"[a-z]+")
    value_name_hint = "lower-case names such as password"
    told: ClassVar[list[Any]] = []
    sweeps = 0

    region = re.compile(".*")

    @property
    def address(self):
        return "https://provider.example/polled"

    @classmethod
    def is_id(cls, text):
        return text.startswith("poll-")

    @classmethod
    def sweep(cls):
        cls.sweeps += 1

    def tell(self, operation_id, *, done, message, credentials):
        self.told.append((self.marketplace.name, operation_id, done, message, credentials))

    def check_access(self, token, resource_id):
        pass

    def people(self, token, resource_id):
        return []


class Polled(ReplyTo):
    def __init__(self, will_poll):
        self.will_poll = will_poll

    @property
    def is_given(self):
        return self.will_poll

    def attach(self, operation):
        if not self.will_poll:
            raise Invalid("Say that you will poll.")


class LowerCase(OutsideIssuer):
    def value_names(self, options):
        return ("token",)

    def issue(self, request):
        return Issued({"token": "a-token"})


@pytest.fixture
def caller(bear, marketplace, policy, monkeypatch):
    """A marketplace that speaks that protocol, the only one that there is, and has a resource."""
    policy.options = {"name": "password"}
    policy.save()
    monkeypatch.setattr(Polling, "told", [])
    monkeypatch.setattr(Polling, "sweeps", 0)
    monkeypatch.setattr("provisioning.protocols._protocols", {})
    register_protocol(Polling)
    Marketplace.objects.update(protocol_name="polling")
    bear.refresh_from_db()
    caller = Caller(marketplace.pk, marketplace.name, "polling")
    services.provision_resource(caller=caller, resource_id="poll-1", order=ORDER, reply_to=Polled(False))
    return caller


def provision_credential(caller, *, will_poll=True):
    return services.provision_credential(
        caller=caller, credential_id="poll-c", resource_id="poll-1", reply_to=Polled(will_poll)
    )


@pytest.fixture
def slow(bear, policy, settings):
    """The product's credentials are made by the worker."""
    settings.CREDENTIAL_ISSUERS = {"outside": {"BACKEND": f"{__name__}.LowerCase"}}
    policy.issuer, policy.options, bear.slow_credentials = "outside", {}, True
    policy.save()
    bear.save()


def test_values_have_the_names_that_the_protocol_takes(caller, policy):
    assert list(provision_credential(caller).values) == ["password"]
    policy.options = {"name": "PASSWORD"}
    policy.save()
    with pytest.raises(ServiceError, match="faulty"):
        services.provision_credential(
            caller=caller, credential_id="poll-d", resource_id="poll-1", reply_to=Polled(True)
        )


def test_a_product_is_judged_by_the_protocol(caller, bear, policy):
    bear.clean()
    policy.options = {"name": "PASSWORD"}
    bear.policy = policy
    with pytest.raises(ValidationError, match="takes lower-case names such as password; this policy makes 'PASSWORD'"):
        bear.clean()


def test_slow_work_is_told_as_the_protocol_tells_it(caller, slow):
    assert isinstance(provision_credential(caller), Accepted)
    operation = Operation.objects.get()
    tasks.operate(str(operation.pk))
    operation.refresh_from_db()
    outcome = ("manifold", operation.pk, True, "The credential is ready to use.", {"token": "a-token"})
    assert (operation.state, Polling.told) == ("succeeded", [outcome])
    assert not Callback.objects.exists()


def test_slow_work_that_nobody_would_hear_of_is_not_begun(caller, slow):
    with pytest.raises(Invalid, match="poll"):
        provision_credential(caller, will_poll=False)
    assert not Operation.objects.exists()


def test_the_sweep_is_the_protocols_as_well(caller):
    tasks.sweep(0)
    assert Polling.sweeps == 1


def test_the_checks_of_core_and_protocol_are_run():
    assert {check_provisioners, check_sign_on, check_test_keys} <= set(
        registry.get_checks(include_deployment_checks=True)
    )


def test_services_tell_what_they_made_from_what_they_found(caller):
    again = services.provision_resource(caller=caller, resource_id="poll-1", order=ORDER, reply_to=Polled(False))
    other = services.provision_resource(caller=caller, resource_id="poll-2", order=ORDER, reply_to=Polled(False))
    assert (again.is_new, other.is_new) == (False, True)
    assert [provision_credential(caller).is_new for _ in range(2)] == [True, False]


def test_refusals_carry_codes_that_a_protocol_can_map(caller):
    other = ResourceOrder("bear", "ursa-major", "all::global")
    with pytest.raises(Conflict) as error:
        services.provision_resource(caller=caller, resource_id="poll-1", order=other, reply_to=Polled(False))
    assert error.value.code == refusals.OTHER_ATTRIBUTES
    services.deprovision_resource(caller=caller, resource_id="poll-1", reply_to=Polled(False))
    with pytest.raises(Conflict) as error:
        services.provision_resource(caller=caller, resource_id="poll-1", order=ORDER, reply_to=Polled(False))
    assert error.value.code == refusals.REMOVED


def test_what_is_polled_is_opened_for_nobody_before_it_is_asked_for(caller, slow, monkeypatch, trail):
    monkeypatch.setattr(Polling, "tells_outcomes", False)
    operation = provision_credential(caller).operation
    tasks.operate(str(operation.pk))
    assert Polling.told[-1][-1] is None
    assert not trail.all(action="credential.handed_out")


def test_an_id_is_any_text_of_up_to_255_characters(caller):
    services.provision_resource(caller=caller, resource_id="ü/ " * 85, order=ORDER, reply_to=Polled(False))


def test_features_that_a_change_does_not_name_stay(caller):
    order = PlanOrder("ursa-minor", {"age": 3}, keeps_others=True)
    services.change_plan(caller=caller, resource_id="poll-1", order=order, reply_to=Polled(False))
    order = PlanOrder("ursa-major", {"ready": True}, keeps_others=True)
    resource, _ = services.change_plan(caller=caller, resource_id="poll-1", order=order, reply_to=Polled(False))
    assert resource.features == {"age": 3, "ready": True}


def test_a_marketplace_keeps_its_protocol(caller, marketplace):
    marketplace.refresh_from_db()
    marketplace.clean()
    register_protocol(type("Other", (Polling,), {"name": "other"}))
    marketplace.protocol_name = "other"
    with pytest.raises(ValidationError, match="cannot change"):
        marketplace.clean()


def test_the_credentials_shape_has_places_for_the_policys_values_only(caller, bear):
    bear.credentials_shape = {"login": {"secret": "$password"}, "uri": "https://db.example"}
    bear.clean()
    bear.credentials_shape = {"secret": "$PASSWORD"}
    with pytest.raises(ValidationError, match="the values password: write"):
        bear.clean()
