"""Tries of a password or code, counted by address, and pages that ask for a proof before they show a secret.

A session that somebody left open, or stole, shows no secret.
"""

import zlib
from ipaddress import ip_address, ip_network
from typing import Any

from django import forms
from django.http import HttpRequest

from credservice.accounts.proof import ProofForm
from credservice.console.pages import ObjectPage
from credservice.console.switch import WhyForm
from credservice.http.context import current_context
from credservice.limits.counter import count_call

# Of one address. Each try costs a quarter of a second of a processor (engineering notes, "Cost of the parts"): more
# of them would not only guess passwords, but keep the doors from answering.
TRIES_PER_MINUTE = 20
COUNTERS = 4096  # addresses share this many, so that nobody fills the table with theirs


def count_try() -> None:
    """Count a try of a password or code, at the sign-in or later. Raises :class:`TooMany`."""
    count_call(f"sign_in:{counter_of(current_context().source)}", TRIES_PER_MINUTE)


def counter_of(source: str | None) -> int:
    """The counter of an address."""
    return zlib.crc32(network_of(source).encode()) % COUNTERS


def network_of(source: str | None) -> str:
    """Who is counted: an IPv4 address; of IPv6, where one caller has 2^64 of them, the network."""
    if source is None:
        return ""
    address = ip_address(source)
    return str(ip_network((source, 64), strict=False)) if address.version == 6 else source


class PasswordAndWhyForm(ProofForm, WhyForm):
    """A reason, and a proof that it is the user who is signed in."""

    field_order = ("why", "password", "credential")


class PasswordPage(ObjectPage):
    """A page about one object that asks for a reason and for the operator's password, code or passkey, at each act."""

    def make_form(self, request: HttpRequest, obj: Any, data: Any = None) -> forms.Form:
        return PasswordAndWhyForm(request, data)
