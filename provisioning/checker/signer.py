"""Signs requests as the marketplace does (Provider API, "The Request Signing Process").

Written from the document, on purpose without the service's own verifier: each is the other's test.
"""

from collections.abc import Sequence

from provisioning.checker.keys import LiveKey
from provisioning.checker.messages import Request

# What the marketplace signs, in its order. The document: "all headers that are explicitly set on any request".
SIGNED_HEADERS = ("host", "date", "x-callback-id", "x-callback-url", "content-type", "content-length")


def canonical_form(request: Request) -> bytes:
    """Make the bytes that are signed: target, headers in the order of `X-Signed-Headers`, that header, body."""
    path, _, query = request.target.partition("?")
    target = f"{path}?{'&'.join(sorted(query.split('&')))}" if query else path
    # Delimited by a space, as sent, not by a comma, as the parameter's description says (docs/protocols/manifold.md).
    names = [*" ".join(request.values("x-signed-headers")[:1]).split(" "), "x-signed-headers"]
    headers = [f"{name.lower()}: {', '.join(value.strip() for value in request.values(name))}" for name in names]
    return "\n".join([f"{request.method.lower()} {target}", *headers]).encode() + b"\n" + request.body


def sign(request: Request, key: LiveKey, names: Sequence[str] | None = None) -> Request:
    """Add `X-Signed-Headers` and `X-Signature`; `names` in place of the marketplace's own choice."""
    if names is None:
        names = [name for name in SIGNED_HEADERS if request.values(name)]
    listed = request.with_header("X-Signed-Headers", " ".join(names))
    return listed.with_header("X-Signature", key.signature(canonical_form(listed)))
