"""Authenticates requests by Basic authentication: the marketplace's name and one of its live passwords."""

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest

from credservice.core.exceptions import Unauthenticated
from credservice.http.client_address import networks_of
from credservice.http.context import current_context
from credservice.limits.counter import count_networks
from provisioning.caller import Caller
from provisioning.osb import PROTOCOL
from provisioning.osb.look_ups import LookUp
from provisioning.osb.passwords import is_one_of, last_uses

FAILURES_PER_MINUTE = 60  # of one network; past it the answer is 429
WRONG_PASSWORD, SUSPENDED = "wrong_password", "suspended_marketplace"  # of a marketplace that there is
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOBODY = bytes(36)  # compared with where there is no password, so that it takes as long


class _Row(NamedTuple):
    marketplace_id: UUID
    is_active: bool
    password_id: UUID | None
    digest: bytes | None


_WIDTH = len(_Row._fields)


def authenticate(request: HttpRequest, marketplace: str, look_up: Callable[[], LookUp]) -> tuple[Caller, Sequence[Any]]:
    """Find out whether the marketplace of the path calls, by ``look_up``; returns what that found besides.

    Raises Unauthenticated: every failure is the same 401; the reason goes to the trail. TooMany for a network that
    fails too often.
    """
    try:
        user, password = _presented(request)
        if user != marketplace or not _NAME.fullmatch(marketplace):
            raise Unauthenticated("other_user")
        return _identify(marketplace, password, look_up())
    except Unauthenticated:
        count_networks("broker", networks_of(current_context().source), FAILURES_PER_MINUTE)
        raise


def _identify(marketplace: str, password: str, look_up: LookUp) -> tuple[Caller, Sequence[Any]]:
    rows = look_up.statement.rows(marketplace, *look_up.parameters)
    known = [_Row(*row[:_WIDTH]) for row in rows]
    index = is_one_of(password, [row.digest or _NOBODY for row in known] or [_NOBODY])
    if not known:
        raise Unauthenticated("unknown_marketplace")
    if index is None:
        raise Unauthenticated(WRONG_PASSWORD)
    match = known[index]
    if not match.is_active:
        raise Unauthenticated(SUSPENDED)
    assert match.password_id is not None
    last_uses.note(match.password_id)
    return Caller(match.marketplace_id, marketplace, PROTOCOL), rows[index][_WIDTH:]


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
