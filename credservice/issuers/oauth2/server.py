"""Calls an authorization server: client authentication, the token endpoint, revocation.

On our own client and not on authlib's, which loses repeated parameters (``resource``, ``audience``: RFC 8693, 2.1),
does not form-encode Basic credentials (RFC 6749, 2.3.1), and drops ``Retry-After`` with a failed answer.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx2

from credservice.http.oauth2 import basic_auth
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.calls import call, json_object, reason
from credservice.issuers.masking import masked

AUTHENTICATION = ("basic", "post")
# RFC 6749, 4.1.2.1 names these two; servers use them at the token endpoint as well.
_PASSING = frozenset({"temporarily_unavailable", "server_error"})
# Our own secret is refused, which an operator puts right; the credential is not to blame.
_OURS = frozenset({"invalid_client"})


@dataclass(frozen=True)
class Client:
    """Our identity at the authorization server."""

    client_id: str
    secret: str = field(repr=False)
    authentication: str
    seconds: float

    def post(self, url: str, form: Iterable[tuple[str, str]]) -> httpx2.Response:
        """The successful answer. Raises :class:`IssueFailed`, :class:`IssuerUnavailable`."""
        fields = list(form)
        pair = ":".join(basic_auth(self.client_id, self.secret))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.authentication == "basic":
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields += [("client_id", self.client_id), ("client_secret", self.secret)]
        answer = call("POST", url, seconds=self.seconds, headers=headers, content=urlencode(fields).encode())
        # Some servers tell their errors with 200 (RFC 6749, 5.2 wants 400): the body says it then.
        if not answer.is_success or _error_of(answer) is not None:
            sent = [value for name, value in fields if name.endswith(("token", "assertion", "password"))]
            self._refused(answer, [pair, self.secret, *sent])
        return answer

    def _refused(self, answer: httpx2.Response, secrets: list[str]) -> None:
        """An error answer (RFC 6749, 5.2), as the issuer's exceptions tell them apart."""
        why = reason(answer, ("error_description", "error"), secrets)
        code = _error_of(answer)
        if code is not None:
            shown = masked(code, secrets)[:40]
            why = f"{why} ({shown})" if code.isascii() and code.isprintable() and shown not in why else why
            if code in _PASSING | _OURS:
                raise IssuerUnavailable(why, retry_after=60)
        elif answer.status_code == 401:
            raise IssuerUnavailable(why, retry_after=60)
        raise IssueFailed(why)


def _error_of(answer: httpx2.Response) -> str | None:
    """Read the code of an error answer (RFC 6749, 5.2); None where the body has none."""
    try:
        code = json_object(answer).get("error")
    except ValueError:
        return None
    return code if isinstance(code, str) else None
