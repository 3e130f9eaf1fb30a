"""Sends requests to a Vault or OpenBao server as its own tools do: the same settings, the same headers."""

import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from django.conf import settings

from credservice.core.environment import read_value

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 5.0
PAUSES: Final = (0.2, 1.0)  # seconds, before the second and the third attempt
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# Not the active node, too many requests, sealed or in maintenance ("HTTP status codes" of the API documentation;
# 412, 472 and 473 are Vault's).
_NOT_NOW: Final = (412, 429, 472, 473)


class Unreachable(Exception):
    """No answer in time, or one that says "not now"."""


class Refused(Exception):
    """An answer that the same request would get again. ``text`` is the server's own, for comparing only."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"refused with {status}")
        self.status, self.text = status, text


@dataclass(frozen=True)
class Vault:
    """Address of the server, and how this process proves itself to it."""

    address: str
    namespace: str
    token_file: str
    token: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False, compare=False)

    @classmethod
    def from_settings(cls) -> "Vault":
        """Read the settings. Raises ValueError, with a phrase, where one is missing or wrong."""
        if not settings.VAULT_TOKEN_FILE and not _is_token(settings.VAULT_TOKEN):
            raise ValueError("VAULT_TOKEN_FILE (or VAULT_TOKEN) is not set, or holds no token")
        address = _check_address(settings.VAULT_ADDR)
        try:
            tls = _tls_context(settings.VAULT_CACERT)
        except OSError:  # ssl.SSLError is one
            raise ValueError("VAULT_CACERT is not the path of certificates in PEM form") from None
        return cls(address, settings.VAULT_NAMESPACE, settings.VAULT_TOKEN_FILE, settings.VAULT_TOKEN, tls)

    def post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """Return the ``data`` of the answer. Raises :class:`Unreachable` or :class:`Refused`."""
        for pause in PAUSES:
            try:
                return self._post_as_of_now(path, body)
            except Unreachable:
                time.sleep(pause)
        return self._post_as_of_now(path, body)

    def _post_as_of_now(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """An agent may renew the token's file at any time, also between our reading it and the server's."""
        token = self._current_token()
        try:
            return self._post_once(path, body, token)
        except Refused as error:
            renewed = self._current_token()
            if error.status != 403 or renewed == token:
                raise
        return self._post_once(path, body, renewed)

    def _post_once(self, path: str, body: dict[str, str], token: str) -> dict[str, Any]:
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        try:
            with httpx2.Client(verify=self.tls, timeout=timeout, trust_env=False, follow_redirects=False) as client:
                answer = client.post(f"{self.address}/v1/{path}", json=body, headers=headers)
        except httpx2.TransportError as error:
            raise Unreachable(f"{self.address} did not answer: {error}") from None
        return self._read(answer)

    def _read(self, answer: httpx2.Response) -> dict[str, Any]:
        status = answer.status_code
        if answer.is_redirect:  # would take the token to another host
            raise Unreachable(f"{self.address} redirects, which is not followed; name the node that answers")
        if status >= 500 or status in _NOT_NOW:
            sealed = ", so it is sealed or down for maintenance" if status == 503 else ""
            raise Unreachable(f"{self.address} answered {status}{sealed}")
        try:
            content = answer.json()
            if status == 200:
                return dict(content["data"])
            text = " ".join(map(str, content.get("errors", ())))
        except (ValueError, TypeError, KeyError, AttributeError):
            text = ""
        if status == 200:
            raise Unreachable(f"{self.address} answered, but not as Vault does")
        raise Refused(status, text)

    def _current_token(self) -> str:
        if not self.token_file:
            return self.token
        try:
            token = read_value(Path(self.token_file)).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unreachable(f"VAULT_TOKEN_FILE cannot be read ({type(error).__name__})") from None
        if not _is_token(token):
            raise Unreachable("VAULT_TOKEN_FILE holds no token")
        return token


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and text != ""


def _check_address(text: str) -> str:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in ("https", "http") or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("VAULT_ADDR is not an address such as https://vault.example.com:8200")
    if url.scheme == "http" and url.host not in _LOOPBACK:
        raise ValueError("VAULT_ADDR must begin with https:// (http:// is for an agent on this machine)")
    return text.rstrip("/")


def _tls_context(authorities: str) -> ssl.SSLContext:
    """VAULT_CACERT is trusted alone, as Vault's own tools do; without it, the system's authorities."""
    if authorities:
        return ssl.create_default_context(cafile=authorities)
    return httpx2.create_ssl_context(trust_env=False)
