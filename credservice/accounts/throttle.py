"""Counts tries of a password, code or passkey, and stops them past a limit.

Nobody may use up another's tries: strangers are counted by network and by account; a browser in which the account has
signed in before, and a session, by themselves.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest

from credservice.accounts.devices import known_device
from credservice.accounts.sessions import row_id
from credservice.http.client_address import networks_of
from credservice.http.context import current_context
from credservice.limits.counter import bucket, count_call, count_networks, forget

# Of one address, browser or session. Each try costs a quarter of a second of a processor (engineering notes, "Cost of
# the parts"): more of them would not only guess passwords, but keep the doors from answering.
TRIES_PER_MINUTE = 20
# Of one account's password, by all strangers together.
STRANGERS_TRIES, STRANGERS_MINUTES = 20, 10
# Of one account's codes and passkeys, in a row without a good one.
CODES, CODES_MINUTES = 5, 5
MAX_NAME = 254


def count_try(request: HttpRequest, account: str = "") -> None:
    """Count a try before the sign-in, at ``account`` where it is known. Raises :class:`TooMany`."""
    device = known_device(request, account)
    if device:
        count_call(bucket("device", device), TRIES_PER_MINUTE)
    else:
        count_networks("sign_in", networks_of(current_context().source), TRIES_PER_MINUTE)


def count_password(request: HttpRequest, account: str) -> None:
    """Count a try at an account's password, whether there is such an account or not. Raises :class:`TooMany`."""
    account = unicodedata.normalize("NFKC", account[:MAX_NAME].strip())  # as the sign-in's form reads it
    count_try(request, account)
    if not known_device(request, account):
        count_call(bucket("account", account), STRANGERS_TRIES, minutes=STRANGERS_MINUTES)


def count_proof(request: HttpRequest) -> None:
    """Count a try in a signed-in session, by it alone. Raises :class:`TooMany`."""
    count_call(bucket("proof", _session(request)), TRIES_PER_MINUTE)


@contextmanager
def few_codes(request: HttpRequest, user: Any) -> Iterator[None]:
    """Count a try of a code or passkey of ``user``, and forget the tries after a good one. Raises :class:`TooMany`."""
    is_proof = request.user.pk == user.pk  # not whoever tries another account from a session of their own
    caller = _session(request) if is_proof else known_device(request, user.get_username()) or "strangers"
    key = bucket("codes", f"{user.pk} {caller}")
    count_call(key, CODES, minutes=CODES_MINUTES)
    yield
    forget(key)


def _session(request: HttpRequest) -> str:
    return f"{request.user.pk} {row_id(request.session.session_key)}"
