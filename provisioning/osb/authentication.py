"""Authenticates requests by Basic authentication: the marketplace's name and one of its live passwords."""

import base64
import re
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest

from credservice.core.exceptions import Unauthenticated
from credservice.core.hot_statements import HotStatement
from credservice.http.client_address import networks_of
from credservice.http.context import current_context
from credservice.limits.counter import count_networks
from provisioning.caller import Caller
from provisioning.osb import PROTOCOL
from provisioning.osb.passwords import is_one_of, last_uses
from provisioning.services.bindings import Found, found_sql, read_found

FAILURES_PER_MINUTE = 60  # of one network; past it the answer is 429
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOBODY = bytes(36)  # compared with where there is no password, so that it takes as long

_PASSWORDS = """
SELECT marketplace.id, marketplace.is_active, password.id AS password_id, password.digest
FROM provisioning_marketplace marketplace
LEFT JOIN osb_brokerpassword password
       ON password.marketplace_id = marketplace.id
      AND (password.ends_at IS NULL OR password.ends_at > statement_timestamp())
WHERE marketplace.name = $1 AND marketplace.protocol_name = 'osb'
"""
_FIND = HotStatement("osb_passwords", _PASSWORDS)
_FIND_BOTH = HotStatement(
    "osb_binding_put",
    f"""
SELECT known.*, product.credentials_shape::text, found.* FROM ({_PASSWORDS}) known
LEFT JOIN LATERAL ({found_sql("known.id", "$2", "$3")}) found ON true
LEFT JOIN provisioning_product product ON product.id = found.product_id
""",  # noqa: S608 - constant texts
)


class Known(NamedTuple):
    """Holds what one look-up finds: who calls, and for a binding what there is of it."""

    caller: Caller
    found: Found | None = None
    credentials_shape: str = "{}"


class _Row(NamedTuple):
    marketplace_id: UUID
    is_active: bool
    password_id: UUID | None
    digest: bytes | None


_WIDTH = len(_Row._fields)


def authenticate(request: HttpRequest, marketplace: str, asked: Callable[[], tuple[str, str] | None]) -> Known:
    """Find out whether the marketplace of the path calls, and what the same look-up found of what it has ``asked`` for.

    Raises Unauthenticated: every failure is the same 401; the reason goes to the trail. TooMany for a network that
    fails too often.
    """
    try:
        user, password = _presented(request)
        if user != marketplace or not _NAME.fullmatch(marketplace):
            raise Unauthenticated("other_user")
        return _identify(marketplace, password, asked())
    except Unauthenticated:
        count_networks("broker", networks_of(current_context().source), FAILURES_PER_MINUTE)
        raise


def _identify(marketplace: str, password: str, asked: tuple[str, str] | None) -> Known:
    rows = _FIND_BOTH.rows(marketplace, *asked) if asked else _FIND.rows(marketplace)
    known = [_Row(*row[:_WIDTH]) for row in rows]
    index = is_one_of(password, [row.digest or _NOBODY for row in known] or [_NOBODY])
    if not known:
        raise Unauthenticated("unknown_marketplace")
    if index is None:
        raise Unauthenticated("wrong_password")
    match, row = known[index], rows[index]
    if not match.is_active:
        raise Unauthenticated("suspended_marketplace")
    assert match.password_id is not None
    last_uses.note(match.password_id)
    caller = Caller(match.marketplace_id, marketplace, PROTOCOL)
    return Known(caller, read_found(row[_WIDTH + 1 :]), row[_WIDTH] or "{}") if asked else Known(caller)


def _presented(request: HttpRequest) -> tuple[str, str]:
    """Read user and password (RFC 7617). Raises Unauthenticated."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    match = _BASIC.fullmatch(header)
    if match is None:
        raise Unauthenticated("no_password" if not header else "malformed_header")
    try:
        user, colon, password = base64.b64decode(match[1], validate=True).decode().partition(":")
    except ValueError:
        raise Unauthenticated("malformed_header") from None
    if not colon:
        raise Unauthenticated("malformed_header")
    return user, password
