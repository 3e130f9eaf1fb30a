"""Answers what machines ask by address: a kubelet or a Prometheus sends the address of the process as Host."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class ProbesMiddleware:
    """Answers these paths before any layer that asks whether Host is one of ALLOWED_HOSTS.

    None of them uses it: they redirect nowhere, name no address and set no cookie. Everything else is judged as ever.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PROBES:
            return self.get_response(request)
        answer: HttpResponse = resolve(request.path_info).func(request)
        return answer
