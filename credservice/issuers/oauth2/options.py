"""Reads what a policy asks the authorization server for."""

from collections.abc import Mapping
from typing import Any

from credservice.core.context_templates import fill_template
from credservice.http.outgoing import check_url
from credservice.issuers.jwt import ALGORITHMS
from credservice.issuers.options import (
    Choice,
    Lines,
    Option,
    OptionsError,
    Seconds,
    Text,
    check_declared,
    check_sources,
    is_text,
    value_name,
)

CLIENT_CREDENTIALS = "client_credentials"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = {"client_credentials": CLIENT_CREDENTIALS, "token_exchange": EXCHANGE}
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
MAX_MARGIN = 3600
_REQUESTED = ("scope", "audience", "resource", "requested_token_type")


def _check_text(value: Any) -> None:
    if not is_text(value):
        raise ValueError("must be a text")
    check_sources(value)


def _check_texts(value: Any) -> None:
    if not _listed(value) or not all(is_text(one) for one in _listed(value)):
        raise ValueError("must be a text or a list of texts")
    check_sources(value)


def _check_resources(value: Any) -> None:
    _check_texts(value)
    for resource in _listed(value):
        if not resource.startswith("$"):
            try:
                check_url(resource)
            except ValueError as error:
                raise ValueError(f"{error} (RFC 8707)") from None


def _check_source(value: Any) -> None:
    _check_text(value)
    if not value.startswith("$"):
        raise ValueError("must name a source of the context, such as $external_id")


COMMON = (
    Option("scope", Text(_check_text), "What the token may do, as your authorization server names it."),
    Option("audience", Lines(_check_texts, or_one=True), "For whom the token is, one a line."),
    Option("resource", Lines(_check_resources, or_one=True), "The URLs that the token is for, one a line (RFC 8707)."),
    Option(
        "margin",
        Seconds(1, MAX_MARGIN),
        "So long before its end, at most half of its life, the next hand-out gets a new token.",
        default=60,
    ),
    value_name("ACCESS_TOKEN"),
)
OF_EXCHANGE = (
    Option("subject", Text(_check_text), "The sub of a token that we sign for the end user, such as $end_user."),
    Option("subject_audience", Text(_check_text), "Its aud. Empty: the token URL."),
    Option(
        "subject_algorithm",
        Choice(ALGORITHMS),
        "What your server verifies. It finds the keys at /.well-known/jwks.json.",
        default=ALGORITHMS[0],
    ),
    Option("subject_token", Text(_check_source), "Instead of subject: a source of the context, such as $external_id."),
    Option("subject_token_type", Text(_check_text), "The type that your server knows that by (RFC 8693, 3)."),
    Option("requested_token_type", Text(_check_text), "The type of the token that is asked for (RFC 8693, 3)."),
)


def declare(grant: str) -> tuple[Option, ...]:
    """Declare the options of a policy that asks by this grant."""
    return (*OF_EXCHANGE, *COMMON) if grant == EXCHANGE else COMMON


def check_policy(options: Mapping[str, Any], grant: str) -> None:
    """Raise :class:`OptionsError` where a policy cannot be asked for by this grant."""
    check_declared(declare(grant), options)
    if grant == EXCHANGE:
        _check_subject(options)


def requested(options: Mapping[str, Any], context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters of a request, filled; an audience or resource may be several.

    Raises :class:`credservice.core.context_templates.MissingSource`.
    """
    return [
        (name, str(fill_template(one, context)))
        for name in _REQUESTED
        if name in options
        for one in _listed(options[name])
    ]


def _check_subject(options: Mapping[str, Any]) -> None:
    if ("subject" in options) == ("subject_token" in options):
        raise OptionsError(
            "give either subject, for a token that we sign, or subject_token, a source of the context", "subject"
        )
    if ("subject_token_type" in options) != ("subject_token" in options):
        raise OptionsError("subject_token_type goes with subject_token (RFC 8693, 3)", "subject_token_type")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
