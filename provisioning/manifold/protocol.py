"""Answers the core's questions of :class:`provisioning.protocols.Protocol` for Manifold-style marketplaces."""

import re
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from provisioning.manifold import PROTOCOL, callbacks, ids
from provisioning.manifold.connector import users
from provisioning.manifold.serializers import REGION, REGION_HINT
from provisioning.manifold.sweep import sweep
from provisioning.models import Marketplace
from provisioning.protocols import Person, Protocol


class Manifold(Protocol[Marketplace]):
    name, title = PROTOCOL, "Manifold"
    # Environment variable names (manifold-provider-api.yaml, CredentialResponse; protocol notes, row 5).
    value_name = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
    value_name_hint = "upper-case names such as API_KEY"
    settings = frozenset({"connector_url", "client_id", "client_secret", "rotates", "sign_on_404", "trusted_keys"})
    region, region_hint = REGION, REGION_HINT
    has_global_ids = True  # a sign-on's link has the id, and not the marketplace

    @property
    def address(self) -> str:
        return f"{settings.PUBLIC_URL}/v1"

    def check(self) -> None:
        if not self.marketplace.connector_url:
            raise ValidationError({"connector_url": "Write the address of its connector."})

    @classmethod
    def is_id(cls, text: str) -> bool:
        return ids.is_id(text)

    @classmethod
    def sweep(cls) -> None:
        sweep()

    def tell(self, operation_id: UUID, *, done: bool, message: str, credentials: Mapping[str, str] | None) -> None:
        callbacks.tell(operation_id, done=done, message=message, credentials=credentials)

    def check_access(self, token: str, resource_id: str) -> None:
        users.check_access(self.marketplace, token, resource_id)

    def people(self, token: str, resource_id: str) -> list[Person]:
        return users.people(self.marketplace, token, resource_id)
