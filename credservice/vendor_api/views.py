"""The vendor API's views."""

from collections.abc import Mapping
from typing import Any

from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.credentials.checking import CheckedKey, check_key, report_leak
from credservice.credentials.models import Credential
from credservice.exceptions import Invalid
from credservice.http.strict_json import StrictJSONParser
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope

MAX_REPORT = 32 * 1024  # characters


class Introspection(VendorView):
    """RFC 7662: is this key good, and whose is it. ``token`` comes form-encoded, as the RFC says, or as JSON."""

    scope = Scope.INTROSPECT
    parser_classes = [FormParser, StrictJSONParser]

    def post(self, request: Request) -> Response:
        checked = check_key(text_of(request, "token"))
        return Response(_introspection(checked) if checked else {"active": False})


class LeakReport(VendorView):
    """Which credentials a string holds values of. The string is stored nowhere."""

    scope = Scope.REPORT_LEAKS

    def post(self, request: Request) -> Response:
        found = report_leak(text_of(request, "text")[:MAX_REPORT], actor=self.caller.actor)
        return Response({"credentials": [_summary(credential) for credential in found]})


def text_of(request: Request, field: str) -> str:
    """A text of the body. Raises :class:`Invalid` where it is missing or none."""
    value = request.data.get(field) if isinstance(request.data, Mapping) else None
    if not isinstance(value, str) or not value:
        raise Invalid(f"{field}: send it as a text.")
    return value


def _introspection(checked: CheckedKey) -> dict[str, Any]:
    body: dict[str, Any] = {
        "active": True,
        "sub": checked.context.get("external_id") or checked.subject,
        "credential": str(checked.credential_id),
        "policy": checked.policy,
        **{name: value for name, value in checked.context.items() if value not in ("", None)},
    }
    if checked.issued_at is not None:
        body["iat"] = int(checked.issued_at.timestamp())
    if checked.expires_at is not None:
        body["exp"] = int(checked.expires_at.timestamp())
    return body


def _summary(credential: Credential) -> dict[str, Any]:
    return {
        "credential": str(credential.pk),
        "policy": credential.policy.name,
        "state": credential.state,
        "subject": credential.subject,
        "hint": credential.hint,
    }
