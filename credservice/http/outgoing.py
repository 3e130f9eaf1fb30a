"""Sends our own requests to other people's servers, by an httpx2 client that cannot be led astray or held up.

No redirects, no proxies or credentials from the environment, no cookies kept, checked and pinned addresses
(:mod:`credservice.http.addresses`), TLS verified by name, one deadline over the whole of a request, bounded answers.
"""

import errno
import re
import ssl
from collections.abc import Iterable, Iterator
from functools import lru_cache

import httpcore2
import httpx2
from django.conf import settings

from credservice import __version__
from credservice.core import tracing
from credservice.core.attempts import note_write
from credservice.http.addresses import AddressRefused, NameNotFound, Resolver
from credservice.http.pinned import Deadline, PinnedBackend

__all__ = ["NOT_SENT", "AddressRefused", "AnswerRefused", "check_header_secret", "check_url", "client"]

DEFAULT_SECONDS = 10.0
MAX_ANSWER_BYTES = 256 * 1024
# A request that ended so was never sent: nobody can have done it.
NOT_SENT = (
    *(httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout),
    *(httpx2.UnsupportedProtocol, httpx2.LocalProtocolError),
)
_BROKEN = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)
_NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH)
# Of X509_verify_cert: the name, or the address, is none of the certificate's.
_OTHER_NAME = (62, 64)
_EXPIRED = 10
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")


class AnswerRefused(Exception):
    """The answer is larger than we take, or compressed though we did not ask for it."""


def client(
    *,
    seconds: float = DEFAULT_SECONDS,
    max_bytes: int = MAX_ANSWER_BYTES,
    status_decides: bool = False,
    resolver: Resolver | None = None,
) -> httpx2.Client:
    """Make a client for a few calls. ``seconds`` limits each request, from resolving the name to the last byte.

    Its calls raise :class:`httpx2.TransportError`, whose text says what went wrong, where asking again may help;
    :class:`AddressRefused` and :class:`AnswerRefused` where it does not. With ``status_decides`` no body is refused:
    what is over ``max_bytes``, compressed or cut off is left out. Redirects come back as answers.
    """
    return httpx2.Client(
        transport=SafeTransport(seconds=seconds, max_bytes=max_bytes, status_decides=status_decides, resolver=resolver),
        headers={"User-Agent": f"credservice/{__version__}", "Accept-Encoding": "identity"},
        timeout=seconds,
        follow_redirects=False,
        trust_env=False,
    )


def check_url(url: object) -> str:
    """Return ``url`` where a request to it could be made. Raises ValueError, with a phrase that follows "url "."""
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
    """Trust the system's authorities, and those of ``OUTGOING_CA`` (PEM). Raises ssl.SSLError where that is no PEM."""
    context = httpx2.create_ssl_context(trust_env=False)
    if extra_authorities:
        context.load_verify_locations(cadata=extra_authorities)
    return context


class SafeTransport(httpx2.BaseTransport):
    """One connection for each request: none is reused under another name, and each has its own deadline."""

    def __init__(self, *, seconds: float, max_bytes: int, status_decides: bool, resolver: Resolver | None) -> None:
        self._seconds, self._max_bytes = seconds, max_bytes
        self._status_decides, self._resolver = status_decides, resolver

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        note_write()  # whatever becomes of ours, somebody else's server may have done it
        # Of the URL the host alone: paths and queries of webhooks may hold a secret.
        facts = {"http__request__method": request.method, "server__address": request.url.host}
        with tracing.span(request.method, "client", **facts) as made:
            request.headers.update(tracing.carried())
            answer = self._answer(request)
            if made is not None:
                made.set_attribute("http.response.status_code", answer.status_code)
            return answer

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
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
        except _BROKEN as error:
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
            body = self._body(answer)
            plain = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
            return httpx2.Response(answer.status, headers=plain, content=body, request=request)

    def _body(self, answer: httpcore2.Response) -> bytes:
        try:
            # A compressed answer could unpack to any size (RFC 9110 12.5.3: we asked for identity).
            if any(name.lower() == b"content-encoding" and _is_coding(value) for name, value in answer.headers):
                raise AnswerRefused("the answer is compressed, which was not asked for")
            return b"".join(_bounded(answer.iter_stream(), self._max_bytes))
        except (AnswerRefused, *_BROKEN):
            if self._status_decides:
                return b""
            raise


def _is_coding(value: bytes) -> bool:
    return value.strip().lower() not in (b"", b"identity")


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise AnswerRefused(f"the answer is larger than {max_bytes} bytes")
        yield chunk


def _as_httpx2(error: Exception) -> httpx2.TransportError:
    """Make httpx2's error of the same name. Its text says what went wrong, and holds no URL and no header."""
    kind: type[httpx2.TransportError] = getattr(httpx2, type(error).__name__, httpx2.TransportError)
    return kind(_cause_of(error))


def _cause_of(error: BaseException) -> str:
    """Say in a phrase what went wrong, from the system's own error beneath httpcore2's."""
    if isinstance(error, httpcore2.TimeoutException):
        return "timed out"
    if isinstance(error, httpcore2.LocalProtocolError):
        return "a header of ours cannot be sent: it holds a character that none may have"
    beneath = error
    while beneath.__cause__ is not None or beneath.__context__ is not None:
        beneath = beneath.__cause__ or beneath.__context__ or beneath
    return _phrase(beneath)


def _phrase(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAME:
            return "its certificate is for another name"
        if error.verify_code == _EXPIRED:
            return "its certificate has expired"
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return "it does not speak TLS at this port"
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return "there is no route to it"
    return "the connection was closed before an answer"


def check_header_secret(text: str) -> None:
    """Check a secret that travels in a header: printable ASCII, without blanks. Raises ValueError with a phrase."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds a blank, a line break or a character that no header can carry")
