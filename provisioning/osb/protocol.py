"""Answers the core's questions of :class:`provisioning.protocols.Protocol` for Open Service Broker platforms."""

import re
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from provisioning.models import Marketplace
from provisioning.osb import PROTOCOL
from provisioning.protocols import Person, Protocol, Refused


class OpenServiceBroker(Protocol[Marketplace]):
    name, title = PROTOCOL, "Open Service Broker 2.17"
    value_name = re.compile(r".+")  # of a JSON object
    value_name_hint = "names of any kind"
    settings = frozenset({"password"})
    tells_outcomes = False
    shapes_credentials = True

    @property
    def address(self) -> str:
        return f"{settings.PUBLIC_URL}/osb/{self.marketplace.name}"

    def check(self) -> None:
        if self.marketplace.rotates:
            raise ValidationError({"rotates": "A platform of this protocol cannot be asked to rotate."})

    @classmethod
    def is_id(cls, text: str) -> bool:
        return False  # nobody signs on from a platform

    def tell(self, operation_id: UUID, *, done: bool, message: str, credentials: Mapping[str, str] | None) -> None:
        """Nothing: the platform polls."""

    def check_access(self, token: str, resource_id: str) -> None:
        raise Refused("There are no users of this protocol.")

    def people(self, token: str, resource_id: str) -> list[Person]:
        raise Refused("There are no users of this protocol.")
