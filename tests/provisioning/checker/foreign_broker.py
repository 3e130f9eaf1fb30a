"""A small service on a broker that somebody else wrote: PyPI's ``openbrokerapi``."""

import secrets
from typing import Any

from flask import Flask
from openbrokerapi import api, errors
from openbrokerapi import service_broker as broker
from openbrokerapi.log_util import basic_config
from werkzeug.serving import make_server

SERVICE, SMALL, LARGE = (f"aa000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


class Boxes(broker.ServiceBroker):  # type: ignore[misc]
    """Keeps instances and bindings in memory, and does everything at once."""

    def __init__(self) -> None:
        self.instances: dict[str, broker.ProvisionDetails] = {}
        self.bindings: dict[tuple[str, str], dict[str, str]] = {}

    def catalog(self) -> Any:
        plans = [broker.ServicePlan(SMALL, "small", "A small one"), broker.ServicePlan(LARGE, "large", "A large one")]
        return broker.Service(
            SERVICE, "box", "Boxes", bindable=True, plans=plans, plan_updateable=True, instances_retrievable=True,
            bindings_retrievable=True,
        )  # fmt: skip

    def provision(self, instance_id: str, details: Any, async_allowed: bool, **_: Any) -> Any:
        known = self.instances.setdefault(instance_id, details)
        if known is details:
            return broker.ProvisionedServiceSpec()
        if (known.plan_id, known.parameters) != (details.plan_id, details.parameters):
            raise errors.ErrInstanceAlreadyExists
        return broker.ProvisionedServiceSpec(state=broker.ProvisionState.IDENTICAL_ALREADY_EXISTS)

    def update(self, instance_id: str, details: Any, async_allowed: bool, **_: Any) -> Any:
        if details.plan_id:
            self._instance(instance_id).plan_id = details.plan_id
        return broker.UpdateServiceSpec(is_async=False)

    def deprovision(self, instance_id: str, details: Any, async_allowed: bool, **_: Any) -> Any:
        self._instance(instance_id)
        del self.instances[instance_id]
        self.bindings = {key: values for key, values in self.bindings.items() if key[0] != instance_id}
        return broker.DeprovisionServiceSpec(is_async=False)

    def bind(self, instance_id: str, binding_id: str, details: Any, async_allowed: bool, **_: Any) -> Any:
        known = self.bindings.get((instance_id, binding_id))
        values = self.bindings.setdefault((instance_id, binding_id), {"password": secrets.token_urlsafe(16)})
        state = broker.BindState.IDENTICAL_ALREADY_EXISTS if known else broker.BindState.SUCCESSFUL_BOUND
        return broker.Binding(state=state, credentials=values)

    def unbind(self, instance_id: str, binding_id: str, details: Any, async_allowed: bool, **_: Any) -> Any:
        if self.bindings.pop((instance_id, binding_id), None) is None:
            raise errors.ErrBindingDoesNotExist
        return broker.UnbindSpec(is_async=False)

    def get_instance(self, instance_id: str, **_: Any) -> Any:
        return broker.GetInstanceDetailsSpec(SERVICE, self._instance(instance_id).plan_id)

    def get_binding(self, instance_id: str, binding_id: str, **_: Any) -> Any:
        if (instance_id, binding_id) not in self.bindings:
            raise errors.ErrBindingDoesNotExist
        return broker.GetBindingSpec(credentials=self.bindings[instance_id, binding_id])

    def last_operation(self, instance_id: str, operation_data: Any, service_id: Any, plan_id: Any, **_: Any) -> Any:
        self._instance(instance_id)
        return broker.LastOperation(broker.OperationState.SUCCEEDED)

    def last_binding_operation(self, instance_id: str, *_: Any, **__: Any) -> Any:
        self._instance(instance_id)
        return broker.LastOperation(broker.OperationState.SUCCEEDED)

    def _instance(self, instance_id: str) -> Any:
        if instance_id not in self.instances:
            raise errors.ErrInstanceDoesNotExist
        return self.instances[instance_id]


def serve(port: int, user: str, password: str) -> Any:
    """Make its server; ``serve_forever`` and ``shutdown`` are the caller's to call."""
    app = Flask(__name__)
    app.register_blueprint(api.get_blueprint(Boxes(), api.BrokerCredentials(user, password), basic_config()))
    return make_server("127.0.0.1", port, app, threaded=True)
