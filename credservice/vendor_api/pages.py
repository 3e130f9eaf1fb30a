"""Serves the OpenAPI document at /api/schema/ and its pages at /api/docs/, with nothing from another's server."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.views import APIView

from credservice.http.context import current_context
from credservice.http.errors import as_service_error
from credservice.vendor_api.problems import MEDIA_TYPE, problem

# Swagger UI styles elements by script; its logo and arrows are data: images.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


class Public(APIView):
    """For anybody: it tells what the source does. Refusals are problem documents here as well."""

    def handle_exception(self, error: Exception) -> Any:
        refusal = as_service_error(error)
        body = problem(refusal, current_context().request_id)
        return JsonResponse(body, status=refusal.status, content_type=MEDIA_TYPE)


class SchemaDocument(Public, SpectacularAPIView):
    http_method_names = ["get"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer: Any = type(request.accepted_renderer)
        headers = {"Content-Disposition": f'inline; filename="credservice-vendor-api.{renderer.format}"'}
        return HttpResponse(_document(renderer), content_type=renderer.media_type, headers=headers)


@cache
def _document(renderer: Any) -> bytes:
    """Made once in a process for each form of it: it takes half a second, and anybody may ask for it."""
    generator: Any = SchemaDocument.generator_class()
    content = generator.get_schema(request=None, public=True)
    document: bytes = renderer().render(content, renderer_context={})
    return document


class Browser(Public, SpectacularSwaggerSplitView):
    http_method_names = ["get"]
    url_name = "vendor-api-schema"
    template_name = "vendor_api/docs.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        # The page's script would hold the console's token of whoever asks: a script is for any site to include.
        response.data["csrf_token"] = ""
        return response

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response
