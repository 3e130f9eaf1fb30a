"""Answers the exchange endpoint (reference, "Create an Exchange Endpoint in your system")."""

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.core.exceptions import Unauthenticated
from credservice.core.instruments import EXCHANGES, REFUSED_EXCHANGES
from credservice.http.views import Attempted, DoorView, json_answer
from credservice.statistics import counters
from exchange.audit import Attempt, reason_of, refusals_recorded
from exchange.authentication import authenticate
from exchange.serializers import read_ids
from exchange.services.exchange import exchange_credential, find_row


class ExchangeView(DoorView):
    """Answers ``POST /credential-exchange`` and ``POST /credential-exchange/<platform>``."""

    of_platform = ""  # the one that the call is for, where there is one of that name

    def perform_authentication(self, request: Request) -> None:
        """Leave it to ``post``, which reads the ids before: DRF would look for a user, whom no call has."""

    def post(self, request: Request, platform: str = "") -> HttpResponseBase:
        body = request._request.body  # over 64 KiB it is 413, whoever sent it
        data = Attempted(lambda: self.read_object(request))
        # Most platforms' queries are not read for ids, but which platform it is will be known only then.
        query = request._request.META["QUERY_STRING"]
        asked = Attempted(lambda: read_ids(data.get(), query))
        caller = authenticate(request._request, platform, asked.value)
        self.of_platform = caller.platform.name if caller.platform else ""
        with refusals_recorded(Attempt(caller, body)):
            known = caller.proven()
            ids = asked.get() if known.ids_from_query or not query else read_ids(data.get(), None)
            found = caller.row if caller.row and ids == asked.value else find_row(known.name, ids)
        answer = exchange_credential(platform=known, ids=ids, found=found, attempt=Attempt(caller, body, ids, found))
        counters.count("exchange", "granted")
        counters.count("exchange.granted", known.name)
        EXCHANGES.labels(known.name).inc()
        return json_answer(answer)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        reason = reason_of(exc)
        counters.count("exchange", reason)
        REFUSED_EXCHANGES.labels(self.of_platform, reason).inc()
        if self.of_platform:
            counters.count("exchange.refused", self.of_platform)
        if isinstance(exc, Unauthenticated):
            response["WWW-Authenticate"] = "Signature"  # a 401 names a scheme (RFC 9110, 15.5.2)
        return response
