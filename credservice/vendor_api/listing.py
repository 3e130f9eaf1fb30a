"""What lists share: the form of a page, and filters that say nothing of what they were not given."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The form of a page of ``item``."""
    fields = {
        "items": item(many=True),
        "next": serializers.CharField(allow_null=True, help_text="The next page's path and query; null on the last."),
    }
    name = item.__name__.removesuffix("Serializer")
    return type(f"{name}PageSerializer", (serializers.Serializer,), fields)


def filtered(params: Mapping[str, Any], **lookups: str) -> dict[str, Any]:
    """``{lookup: value}`` of the parameters that were given: ``filtered(params, state="state")``."""
    return {lookup: params[name] for name, lookup in lookups.items() if name in params}
