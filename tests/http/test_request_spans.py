"""Show routes without values, and tell whose trace a request goes on with. The traces: tests/e2e/test_traces.py."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from opentelemetry import trace

from credservice.core.spans import _propagator
from credservice.http.request_spans import RequestSpans, _readable

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("route", "shown"),
    [
        ("healthz", "/healthz"),
        ("admin/credentials/credential/<path:object_id>/change/", "/admin/credentials/credential/{object_id}/change/"),
        (r"^credential-exchange(?=/|$)^/(?P<platform>[-a-z]{1,64})/?\Z", "/credential-exchange/{platform}"),
        (r"^v1(?=/|$)^/resources/(?P<partner_id>[^/]+)/measures/?\Z", "/v1/resources/{partner_id}/measures"),
        (r"^api/v1/(?P<kind>a(?:b|c))$", "/api/v1/{kind}"),
    ],
)
def test_a_route_is_shown_as_a_person_writes_it(route, shown):
    assert _readable(route) == shown


@pytest.mark.parametrize(("proxies", "believed"), [([], False), (["192.0.2.1"], False), (["127.0.0.1"], True)])
def test_only_a_trusted_proxy_says_in_which_trace_and_nobody_says_its_state(settings, proxies, believed):
    settings.TRUSTED_PROXIES = proxies
    seen = {}

    def look(_):
        seen["trace"] = trace.get_current_span().get_span_context()
        _propagator.inject(seen)
        return HttpResponse()

    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}
    RequestSpans(look)(RequestFactory().get("/v1/resources/x", headers=headers))
    assert (f"{seen['trace'].trace_id:032x}" == TRACE, seen["trace"].is_valid) == (believed, believed)
    assert (seen.get("traceparent"), "tracestate" in seen) == (headers["traceparent"] if believed else None, False)
