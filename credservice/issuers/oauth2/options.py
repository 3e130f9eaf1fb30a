"""Reads what a policy asks the authorization server for."""

from collections.abc import Mapping
from typing import Any

from credservice.core.context_templates import check_template, fill_template
from credservice.http.outgoing import check_url
from credservice.issuers.base import OptionsError, check_name, only
from credservice.issuers.jwt import ALGORITHMS

CLIENT_CREDENTIALS = "client_credentials"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = {"client_credentials": CLIENT_CREDENTIALS, "token_exchange": EXCHANGE}
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
DEFAULT_NAME, DEFAULT_MARGIN, MAX_MARGIN = "ACCESS_TOKEN", 60, 3600
_REQUESTED = ("scope", "audience", "resource", "requested_token_type")
_COMMON = {"name", "margin", "scope", "audience", "resource"}
_EXCHANGE = {"subject", "subject_audience", "subject_algorithm", "subject_token", "subject_token_type"}


def check_policy(options: Mapping[str, Any], grant: str) -> None:
    """Raise :class:`OptionsError` where a policy cannot be asked for by this grant."""
    only(options, _COMMON | (_EXCHANGE | {"requested_token_type"} if grant == EXCHANGE else set()))
    check_name(options.get("name", DEFAULT_NAME))
    margin = options.get("margin", DEFAULT_MARGIN)
    if isinstance(margin, bool) or not isinstance(margin, int) or not 1 <= margin <= MAX_MARGIN:
        raise OptionsError(f"margin must be a number of seconds from 1 to {MAX_MARGIN}")
    for name in (*_REQUESTED, "subject", "subject_audience", "subject_token"):
        if name in options:
            _check_text(name, options[name], several=name in ("audience", "resource"))
    for resource in _listed(options.get("resource", [])):
        _check_resource(resource)
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
        raise OptionsError("give either subject, for a token that we sign, or subject_token, a source of the context")
    if "subject_token" in options and not options["subject_token"].startswith("$"):
        raise OptionsError("subject_token must name a source of the context, such as $external_id")
    if ("subject_token_type" in options) != ("subject_token" in options):
        raise OptionsError("subject_token_type goes with subject_token (RFC 8693, 3)")
    if "subject_token_type" in options:
        _check_text("subject_token_type", options["subject_token_type"], several=False)
    if options.get("subject_algorithm", ALGORITHMS[0]) not in ALGORITHMS:
        raise OptionsError(f"subject_algorithm must be one of {', '.join(ALGORITHMS)}")


def _check_text(name: str, value: Any, *, several: bool) -> None:
    if not _listed(value) or not all(isinstance(one, str) and one for one in _listed(value)):
        raise OptionsError(f"{name} must be a text" + (" or a list of texts" if several else ""))
    if isinstance(value, list) and not several:
        raise OptionsError(f"{name} must be a text")
    try:
        check_template(value)
    except ValueError as error:
        raise OptionsError(f"{name} {error}") from None


def _check_resource(resource: str) -> None:
    if resource.startswith("$"):
        return
    try:
        check_url(resource)
    except ValueError as error:
        raise OptionsError(f"resource {error} (RFC 8707)") from None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
