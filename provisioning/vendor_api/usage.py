"""Takes usage reports by the vendor API. A refusal names every mistake with its place. See docs/usage.md."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import ServiceError
from credservice.http.errors import TooLarge
from credservice.vendor_api.base import VendorView
from credservice.vendor_api.models import Scope
from credservice.vendor_api.operations import writes
from credservice.vendor_api.problems import errors_of
from provisioning.services.usage import report_usage
from provisioning.usage_reports import Refused, Report
from provisioning.vendor_api.serializers import (
    EXAMPLE,
    USAGE_PROBLEMS,
    UsageReceiptSerializer,
    UsageReportSerializer,
    UsageReportsSerializer,
    parse_report,
    parse_reports,
)

# A thousand reports of ordinary length take a third of it.
MAX_BODY = 512 * 1024


class UsageView(VendorView):
    def place(self, index: int) -> str:
        """Point to one report of the body (RFC 6901)."""
        return ""

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        body = super().error_body(error)
        errors = [
            {"pointer": self.place(problem.index) + each.pointer, "message": each.message}
            for problem in (error.problems if isinstance(error, Refused) else ())
            for each in errors_of(problem.error)
        ]
        return body | ({"errors": errors} if errors else {})


class ResourceUsage(UsageView):
    """Takes one report about the resource of the path: the marketplace's id, or ours. See docs/usage.md."""

    @writes(
        "report_resource_usage",
        "Report a resource's usage",
        scope=Scope.REPORT_USAGE,
        takes=UsageReportSerializer,
        parses=False,
        gives={200: UsageReceiptSerializer},
        problems=USAGE_PROBLEMS,
        examples={"Twelve pots": EXAMPLE},
    )
    def post(self, request: Request, resource: str) -> Response:
        return _answer([parse_report(request.data, resource)], self.actor)


class Usage(UsageView):
    """Takes up to 1,000 reports. A refusal lists every problem with the place of its report, from 0."""

    @writes(
        "report_usage",
        "Report usage of several resources",
        scope=Scope.REPORT_USAGE,
        takes=UsageReportsSerializer,
        parses=False,
        gives={200: UsageReceiptSerializer},
        problems=USAGE_PROBLEMS,
        examples={"One of up to 1,000": {"reports": [{"resource": "2686c96868emyj61cgt2ma7vdntg4", **EXAMPLE}]}},
    )
    def post(self, request: Request) -> Response:
        return _answer(parse_reports(request.data), self.actor)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        # Only now: nobody without a token has us read so much.
        _read_long_body(request._request)

    def place(self, index: int) -> str:
        return f"/reports/{index}"

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        body = super().error_body(error)
        if isinstance(error, Refused):
            body["problems"] = [
                {"index": problem.index, "code": problem.error.code, "detail": problem.error.message}
                for problem in error.problems
            ]
        return body


def _read_long_body(request: HttpRequest) -> None:
    """Have ``request.body`` hold up to ``MAX_BODY``, which is more than the other routes take. Raises TooLarge."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    length = int(announced) if announced.isdecimal() else 0
    # credservice.serving takes no longer body in chunks.
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise TooLarge("A body of more than 64 KiB needs its Content-Length.")
    if length > MAX_BODY:
        raise TooLarge("The body is larger than 512 KiB. Send fewer reports at once.")
    request._body = request.read(length)


def _answer(reports: list[Report], actor: str) -> Response:
    receipt = report_usage(reports=reports, actor=actor)
    return Response({"recorded": receipt.recorded, "repeated": receipt.repeated})
