"""What the marketplace can have done: one module for each act."""

from provisioning.services.credentials import provision_credential
from provisioning.services.deprovisioning import deprovision_credential, deprovision_resource
from provisioning.services.later import Accepted, CallbackTo
from provisioning.services.measures import measure
from provisioning.services.plans import change_plan
from provisioning.services.resources import provision_resource

__all__ = [
    "Accepted",
    "CallbackTo",
    "change_plan",
    "deprovision_credential",
    "deprovision_resource",
    "measure",
    "provision_credential",
    "provision_resource",
]
