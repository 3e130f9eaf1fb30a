"""The base of both doors' views: JSON in, JSON out, nothing cached, one form of error."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credservice.exceptions import NotFound, ServiceError


class AlwaysJSON(BaseContentNegotiation):
    """Partners send any ``Accept``; the answer is JSON whatever it says, never a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class DoorView(APIView):
    """A view of a partner's door. Subclasses say how an error looks and who may call."""

    content_negotiation_class = AlwaysJSON
    http_method_names = ["get", "put", "post", "patch", "delete"]

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        return {"code": error.code, "message": error.message}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # An unknown method is 405 before anything else is asked; it tells nobody anything.
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response.headers.pop("Vary", None)
        return response


class UnknownPath(DoorView):
    """404 in the door's form, for every method and path that no other route takes."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path.")
