"""Exports end users, installations and grants as the vendor API shows them."""

from collections.abc import Callable, Sequence
from typing import Any

from rest_framework.serializers import Serializer

from credservice.vendor_api.exports import register_export
from exchange.models import EndUser, Grant, Installation
from exchange.vendor_api.grants import show_all
from exchange.vendor_api.serializers import EndUserSerializer, InstallationSerializer


def register() -> None:
    register_export("end_users", lambda: EndUser.objects.select_related("platform"), _by(EndUserSerializer))
    of_installations = Installation.objects.select_related("platform", "integration", "end_user")
    register_export("installations", of_installations.all, _by(InstallationSerializer))
    of_grants = Grant.objects.select_related("integration__platform", "end_user", "installation")
    register_export("grants", of_grants.all, show_all)


def _by(form: type[Serializer[Any]]) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    return lambda found: list(form(found, many=True).data)
