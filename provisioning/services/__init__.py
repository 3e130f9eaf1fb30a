"""Does what a marketplace asks for: one module for each act."""

from provisioning.services.credentials import Provided, provision_credential, read_credential
from provisioning.services.deferred import Accepted, ReplyTo
from provisioning.services.deprovisioning import deprovision_credential, deprovision_resource
from provisioning.services.plans import change_plan
from provisioning.services.resources import provision_resource

__all__ = [
    "Accepted",
    "Provided",
    "ReplyTo",
    "change_plan",
    "deprovision_credential",
    "deprovision_resource",
    "provision_credential",
    "provision_resource",
    "read_credential",
]
