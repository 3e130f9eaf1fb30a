"""The exchange endpoint (reference, "Create an Exchange Endpoint in your system")."""

from typing import Any, cast

from django.http import HttpResponseBase, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.exceptions import Unauthenticated
from credservice.http.raw_target import raw_target
from credservice.http.views import DoorView
from credservice.statistics import counters
from exchange.authentication import Caller, authenticate
from exchange.serializers import read_ids
from exchange.services import exchange_credential
from exchange.trail import Attempt, reason_of, refusals_recorded


class ExchangeView(DoorView):
    """``POST /credential-exchange`` and ``POST /credential-exchange/<platform>``."""

    def post(self, request: Request, platform: str = "") -> HttpResponseBase:
        http_request = request._request
        attempt = Attempt(Caller(platform), http_request.body)  # over 64 KiB it is 413, whoever sent it
        with refusals_recorded(attempt):
            known = authenticate(http_request, attempt.caller)
            query = raw_target(http_request)[1] if known.ids_from_query else None
            attempt.ids = read_ids(cast(dict[str, Any], request.data), query)
            response = JsonResponse(exchange_credential(platform=known, ids=attempt.ids, attempt=attempt))
        counters.count("exchange", "granted")
        return response

    def handle_exception(self, exc: Exception) -> Response:
        counters.count("exchange", reason_of(exc))
        response = super().handle_exception(exc)
        if isinstance(exc, Unauthenticated):
            response["WWW-Authenticate"] = "Signature"  # a 401 names a scheme (RFC 9110, 15.5.2)
        return response
