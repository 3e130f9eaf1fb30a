"""Exports credentials: everything but their values."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from credservice.credentials.models import Credential
from credservice.credentials.vendor_api.serializers import CredentialSerializer
from credservice.vendor_api.exports import register_export


def register() -> None:
    register_export("credentials", _rows, _show)


def _rows() -> QuerySet[Credential]:
    hidden = ("sealed_values", "lookup", "value_digests", "handle")
    return Credential.objects.with_use().select_related("policy").defer(*hidden)


def _show(found: Sequence[Credential]) -> list[dict[str, Any]]:
    return list(CredentialSerializer(found, many=True).data)
