"""Sends allauth's requests to a provider as all requests of ours are sent: :mod:`credservice.http.outgoing`."""

from typing import Any

import httpx2
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from credservice.http.outgoing import AddressRefused, AnswerRefused, client

_PASSED = ("Accept", "Authorization", "Content-Type")


def session() -> requests.Session:
    """Make a session that follows no redirect and reads nothing from the environment."""
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", _Outgoing())
    made.mount("http://", _Outgoing())
    return made


class _Outgoing(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        headers = {name: str(request.headers[name]) for name in _PASSED if name in request.headers}
        body = request.body if isinstance(request.body, str | bytes) else None
        try:
            with client() as own:
                answer = own.request(str(request.method), str(request.url), headers=headers, content=body)
        except (httpx2.TransportError, AddressRefused, AnswerRefused) as error:
            raise requests.ConnectionError(str(error)) from None
        if answer.is_redirect:
            raise requests.TooManyRedirects("it answered with a redirect, and none is followed")
        return _as_response(request, answer)

    def close(self) -> None:
        """Leave nothing open: each request has a connection of its own."""


def _as_response(request: requests.PreparedRequest, answer: httpx2.Response) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content = answer.status_code, answer.content
    made.headers = CaseInsensitiveDict(answer.headers)
    made.url, made.request, made.encoding = str(request.url), request, "utf-8"
    return made
