"""Sends requests byte for byte as they were signed."""

from collections.abc import Callable

import httpx2

from provisioning.checker.failures import Failure
from provisioning.checker.messages import Reply, Request

MAX_REPLY_BYTES = 1 << 20
USER_AGENT = "credservice-check-provider"

Watch = Callable[[Request, Reply | None], None]


class BadURL(ValueError):
    """The URL cannot be a provider's; the text is one sentence."""


class NoReply(Failure):
    """The provider did not answer: `problem` says whether it was refused, broken off, or out of time."""

    def __init__(self, request: Request, problem: str) -> None:
        super().__init__(f"no answer to {request.line}: {problem}")
        self.problem = problem


class Transport:
    """HTTP to one provider. `prefix` is the path before `/resources/...`, `host` the value for `Host`."""

    def __init__(self, url: str, *, timeout: float, watch: Watch, version: str = "/v1") -> None:
        base = _parsed(url)
        path = base.raw_path.decode().rstrip("/")
        # As the marketplace's checker: `/v1` is appended unless the URL has it already.
        self.prefix = path if path.endswith(version) else f"{path}{version}"
        self.host = base.netloc.decode()
        self._origin = f"{base.scheme}://{self.host}"
        self._timeout = timeout
        self._watch = watch
        # A connection each: a provider that closes idle ones must not look like one that breaks off.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.Client(follow_redirects=False, trust_env=False, timeout=timeout, limits=limits)

    @property
    def url(self) -> str:
        return self._origin + self.prefix

    def send(self, request: Request) -> Reply:
        """Send a request. Raises NoReply where there is no answer."""
        try:
            reply = self._exchange(request)
        except httpx2.TimeoutException as error:
            self._watch(request, None)
            raise NoReply(request, f"none within {self._timeout:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            self._watch(request, None)
            raise NoReply(request, str(error) or type(error).__name__) from error
        self._watch(request, reply)
        return reply

    def _exchange(self, request: Request) -> Reply:
        usual = [("User-Agent", USER_AGENT), ("Accept", "application/json")]
        headers = [*(pair for pair in usual if not request.values(pair[0])), *request.headers]
        url = self._origin + request.target
        with self._client.stream(request.method, url, headers=headers, content=request.body or None) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise NoReply(request, f"what came is longer than {MAX_REPLY_BYTES} bytes")
        return Reply(request, response.status_code, tuple(response.headers.multi_items()), body)

    def close(self) -> None:
        self._client.close()


def _parsed(url: str) -> httpx2.URL:
    try:
        base = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise BadURL(f"{url!r} is not a URL: {error}") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise BadURL(f"{url!r} is not the URL of a provider: give it as http://host:port or https://host/v1")
    if base.port is not None and not 0 < base.port < 65536:
        raise BadURL(f"{url!r} has a port that does not exist: {base.port}")
    if base.userinfo or base.query or base.fragment:
        raise BadURL(f"{url!r} has a user, a query or a fragment: give the scheme, host, port and path alone")
    return base
