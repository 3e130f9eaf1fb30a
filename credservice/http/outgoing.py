"""Our own requests to other people's servers: an httpx2 client that cannot be led astray or held up.

No redirects, no proxies or credentials from the environment, no cookies kept, checked and pinned addresses
(:mod:`credservice.http.addresses`), TLS verified by name, one deadline over the whole of a request, bounded answers.
"""

import re
import ssl
from collections.abc import Iterable, Iterator
from functools import lru_cache

import httpcore2
import httpx2
from django.conf import settings

from credservice.http.addresses import AddressRefused, NameNotFound, Resolver
from credservice.http.pinned import Deadline, PinnedBackend

__all__ = ["AddressRefused", "AnswerRefused", "check_url", "client"]

DEFAULT_SECONDS = 10.0
MAX_ANSWER_BYTES = 256 * 1024
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")


class AnswerRefused(Exception):
    """The answer is larger than we take, or compressed though we did not ask for it."""


def client(
    *, seconds: float = DEFAULT_SECONDS, max_bytes: int = MAX_ANSWER_BYTES, resolver: Resolver | None = None
) -> httpx2.Client:
    """A client for a few calls. ``seconds`` is the limit of each request, from resolving the name to the last byte.

    Its calls raise :class:`httpx2.TransportError` where asking again may help, :class:`AddressRefused` and
    :class:`AnswerRefused` where it does not. Redirects come back as answers.
    """
    return httpx2.Client(
        transport=SafeTransport(seconds=seconds, max_bytes=max_bytes, resolver=resolver),
        headers={"User-Agent": "credservice", "Accept-Encoding": "identity"},
        timeout=seconds,
        follow_redirects=False,
        trust_env=False,
    )


def check_url(url: object) -> str:
    """``url`` where a request to it could be made. Raises ValueError, with a phrase that follows "url "."""
    try:
        parsed = httpx2.URL(url if isinstance(url, str) else "")
    except (httpx2.InvalidURL, ValueError):
        raise ValueError("is not a URL") from None
    if parsed.scheme not in ("https", "http"):
        raise ValueError("must begin with https://")
    if not _HOST.fullmatch(parsed.raw_host) or not (parsed.port is None or 0 < parsed.port < 65536):
        raise ValueError("must name a host, and a port between 1 and 65535 where it names one")
    if parsed.userinfo or parsed.fragment:
        raise ValueError("must hold no user name, password or fragment")
    if parsed.scheme == "http" and not settings.OUTGOING_ALLOWED_NETWORKS:
        raise ValueError("must begin with https://; plain http is for hosts in OUTGOING_ALLOWED_NETWORKS")
    return str(url)


@lru_cache(maxsize=4)
def tls_context(extra_authorities: str) -> ssl.SSLContext:
    """The system's authorities, and those of ``OUTGOING_CA`` (PEM). Raises ssl.SSLError where that is no PEM."""
    context = httpx2.create_ssl_context(trust_env=False)
    if extra_authorities:
        context.load_verify_locations(cadata=extra_authorities)
    return context


class SafeTransport(httpx2.BaseTransport):
    """One connection for each request: none is reused under another name, and each has its own deadline."""

    def __init__(self, *, seconds: float, max_bytes: int, resolver: Resolver | None) -> None:
        self._seconds, self._max_bytes, self._resolver = seconds, max_bytes, resolver

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # Reading the body here, inside the deadline, leaves nothing open that a caller could forget.
        backend = PinnedBackend(
            Deadline(self._seconds), plaintext=request.url.scheme == "http", resolver=self._resolver
        )
        context = tls_context(settings.OUTGOING_CA)
        try:
            with httpcore2.ConnectionPool(ssl_context=context, network_backend=backend) as pool:
                return self._exchange(pool, request)
        except NameNotFound as error:
            raise httpx2.ConnectError(str(error)) from None
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _as_httpx2(error) from None

    def _exchange(self, pool: httpcore2.ConnectionPool, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        with pool.stream(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": request.extensions.get("timeout", {})},
        ) as answer:
            # A compressed answer could unpack to any size (RFC 9110 12.5.3: we asked for identity).
            if any(name.lower() == b"content-encoding" and value != b"identity" for name, value in answer.headers):
                raise AnswerRefused("the answer is compressed, which was not asked for")
            body = b"".join(_bounded(answer.iter_stream(), self._max_bytes))
            return httpx2.Response(answer.status, headers=answer.headers, content=body, request=request)


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise AnswerRefused(f"the answer is larger than {max_bytes} bytes")
        yield chunk


def _as_httpx2(error: Exception) -> httpx2.TransportError:
    """httpx2's error of the same name. Its text is the system's: it holds no URL and no header."""
    kind: type[httpx2.TransportError] = getattr(httpx2, type(error).__name__, httpx2.TransportError)
    return kind(str(error) or "timed out")
