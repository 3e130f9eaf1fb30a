"""Makes ``api_key`` credentials: random keys, prefixed and check-summed, that the vendor's product has us check.

Form: ``{prefix}_{environment}_{body}{checksum}``. The body is 30 base62 characters (178 random bits); the checksum is
the CRC32 of all before it in six base62 characters: it rejects typos before any look-up and is no security control.
"""

from collections.abc import Mapping
from typing import Any

from credservice.core.api_keys import WORD, hint, make_key
from credservice.issuers.base import Issued, Issuer, IssueRequest
from credservice.issuers.options import Option, Text, that, value_name, with_defaults

_WORD = Text(
    that(
        lambda value: WORD.fullmatch(str(value)),
        "must be 1 to 16 lower-case letters and digits, a letter first",
    )
)
OPTIONS = (
    value_name("API_KEY"),
    Option("prefix", _WORD, "How a key begins, so that people and scanners know it.", default="sk"),
    Option("environment", _WORD, "The second part of a key, such as live or test.", default="live"),
)


class ApiKeyIssuer(Issuer):
    about = "Random keys, made here. Your product has us check them."
    local = True

    def policy_options(self) -> tuple[Option, ...]:
        return OPTIONS

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (with_defaults(OPTIONS, options)["name"],)

    def issue(self, request: IssueRequest) -> Issued:
        options = with_defaults(OPTIONS, request.options)
        key = make_key(options["prefix"], options["environment"])
        return Issued(values={options["name"]: key}, lookup=key, hint=hint(key))

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """The check answers "not active" from the moment that the state changes; nothing outside to end."""
