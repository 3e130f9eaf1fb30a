"""Writes the OpenAPI document from the operations that the views check by: see docs/vendor-api.md."""

import re
from collections.abc import Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from credservice.vendor_api.fields import strict_serializers
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import Operation, operation_of, trusted_of
from credservice.vendor_api.problems import KNOWN, MEDIA_TYPE

PREFIX = "/api/v1/"
ALWAYS = (
    *("invalid_request", "unauthenticated", "missing_scope", "method_not_allowed", "not_acceptable", "too_large"),
    *("too_many_requests", "internal_error", "unavailable"),
)
# Of the demonstration set-up (docs/examples/demo.yaml).
EXAMPLES = {
    "external_id": "customer-1",
    "installation_id": "install_xyz789",
    "integration_id": "int_abc123",
    "platform": "mindcloud",
    "policy": "demo-api-key",
}
OF_BODIES = ("unsupported_media_type",)
OF_WRITES = ("conflict", "idempotency_key_in_use", "idempotency_key_reused")


class FieldErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer into the body (RFC 6901), or ?name of a query parameter.")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField(help_text="Stable: urn:credservice:problem: and a code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong, for a person.")
    action = serializers.CharField(required=False, help_text="What to do about it.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment] # a field of this name
    request_id = serializers.CharField(help_text="Finds it in our log.")


class ServerRefusalSerializer(serializers.Serializer[Any]):
    """Of what the HTTP server refuses before anybody has read it: see credservice.serving."""

    code = serializers.CharField()
    message = serializers.CharField()


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "credservice.vendor_api.base.BearerToken"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A service token, made in the console (Access, Service tokens) or by create_token.",
        }


class VendorSchema(AutoSchema):
    """Describes a method by its operation."""

    @property
    def operation(self) -> Operation:
        operation = operation_of(self.view, self.method)
        assert operation is not None
        return operation

    def is_excluded(self) -> bool:
        return operation_of(self.view, self.method) is None

    def get_operation_id(self) -> str:
        return self.operation.name

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override] # as drf-spectacular has it
        doc = (getattr(self.view, self.method.lower()).__doc__ or self.view.__doc__ or "").strip()
        scope, trusted = f"Scope: `{self.operation.scope.value}`", sorted(trusted_of(self.operation))
        also = f", and `{Scope.WRITE_TRUST.value}` for {', '.join(f'`{name}`' for name in trusted)}" if trusted else ""
        return f"{' '.join(doc.split())}\n\n{scope}{also}."

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix(PREFIX).split("/")[0]]

    def get_request_serializer(self) -> Any:
        return self.operation.takes

    def get_override_parameters(self) -> list[Any]:
        operation = self.operation
        found: list[Any] = [operation.query] if operation.query else []
        found += [_in_path(name, EXAMPLES[name]) for name in re.findall(r"{(\w+)}", self.path) if name in EXAMPLES]
        if operation.writes:
            found.append(_header("Idempotency-Key", "Your own name for this call: repeated, it is done once."))
        if operation.tagged and operation.writes:
            found.append(_header("If-Match", "Only where the object still has this ETag."))
        if operation.tagged and not operation.writes:
            found.append(_header("If-None-Match", "304 where the object still has this ETag."))
        return found + [_answered(name, text, operation) for name, text in _headers_of(operation).items()]

    def get_response_serializers(self) -> Any:
        operation = self.operation
        answers: dict[Any, Any] = {
            status: OpenApiResponse(form, description=_DESCRIPTIONS.get(status, ""))
            for status, form in operation.gives.items()
        }
        if operation.tagged and not operation.writes:
            answers[304] = OpenApiResponse(description="Unchanged since it had the ETag of If-None-Match.")
        return answers | _problems(codes_of(operation, self.path)) | _BY_THE_SERVER

    def get_examples(self) -> list[OpenApiExample]:
        types = [parser.media_type for parser in self.view.parser_classes]
        media_type = "application/json" if "application/json" in types else types[0]
        return [
            OpenApiExample(title, value=value, request_only=True, media_type=media_type)
            for title, value in self.operation.examples.items()
        ]


_BY_THE_SERVER = {
    (status, "application/json"): OpenApiResponse(ServerRefusalSerializer, description=text)
    for status, text in ((414, "The path and query are too long."), (431, "A header is too long."))
}
_DESCRIPTIONS = {
    200: "Done, or as it is.",
    201: "Made.",
    202: "Begun: its issuer cannot be reached now, and the service goes on trying. Read it again later.",
    204: "Gone.",
}


def codes_of(operation: Operation, path: str) -> list[str]:
    """List every problem that a route may answer."""
    codes = [*ALWAYS, *operation.problems]
    if "{" in path:
        codes.append("not_found")
    if operation.takes is not None:
        codes += OF_BODIES
    if operation.writes:
        codes += OF_WRITES
    if operation.writes and operation.tagged:
        codes.append("precondition_failed")
    return list(dict.fromkeys(codes))


def _problems(codes: Sequence[str]) -> dict[tuple[int, str], OpenApiResponse]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(KNOWN[code][0], []).append(code)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            ProblemSerializer, description="; ".join(f"`{code}`: {KNOWN[code][1]}" for code in sorted(some))
        )
        for status, some in sorted(by_status.items())
    }


def _in_path(name: str, example: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.PATH, examples=[OpenApiExample("Demonstration", value=example)]
    )


def _header(name: str, text: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=text)


def _answered(name: str, text: str, operation: Operation) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=text, response=list(operation.gives)
    )


def _headers_of(operation: Operation) -> dict[str, str]:
    found = {
        "X-Request-ID": "Yours, where it has 8 to 64 letters, digits, dots, hyphens and underscores; else ours.",
        "RateLimit": 'Requests left in this minute, and its seconds left: "token";r=5999;t=42.',
        "RateLimit-Policy": 'Requests of this token a minute: "token";q=6000;w=60.',
    }
    return found | ({"ETag": "Names the object's present state."} if operation.tagged else {})


def only_ours(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Keep the marked methods of the vendor API, without the final slash that each path may have."""
    return [
        (path.rstrip("/"), regex, method, callback)
        for path, regex, method, callback in endpoints
        if path.startswith(PREFIX) and operation_of(callback.cls, method) is not None
    ]


def closed_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say in the document that a strict serializer takes no field beside its own."""
    components = result.get("components", {}).get("schemas", {})
    for form in strict_serializers():
        name = form.__name__.removesuffix("Serializer")
        if name in components:
            components[name]["additionalProperties"] = False
    return result
