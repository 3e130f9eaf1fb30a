"""Makes ``api_key`` credentials: random keys, prefixed and check-summed, that the vendor's product has us check.

Form: ``{prefix}_{environment}_{body}{checksum}``. The body is 30 base62 characters (178 random bits); the checksum is
the CRC32 of all before it in six base62 characters: it rejects typos before any look-up and is no security control.
Policy options: ``name`` of the value, ``prefix``, ``environment``.
"""

from collections.abc import Mapping
from typing import Any

from credservice.core.api_keys import WORD, hint, make_key
from credservice.issuers.base import Issued, Issuer, IssueRequest, OptionsError, is_value_name, only

DEFAULTS: Mapping[str, str] = {"name": "API_KEY", "prefix": "sk", "environment": "live"}


class ApiKeyIssuer(Issuer):
    local = True

    def check_options(self, options: Mapping[str, Any]) -> None:
        only(options, set(DEFAULTS))
        for part in ("prefix", "environment"):
            if not WORD.fullmatch(str(_option(options, part))):
                raise OptionsError(f"{part} must be 1 to 16 lower-case letters and digits, a letter first")
        if not is_value_name(_option(options, "name")):
            raise OptionsError("name must be the name of the value, such as API_KEY")

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (_option(options, "name"),)

    def issue(self, request: IssueRequest) -> Issued:
        key = make_key(_option(request.options, "prefix"), _option(request.options, "environment"))
        return Issued(values={_option(request.options, "name"): key}, lookup=key, hint=hint(key))

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """The check answers "not active" from the moment that the state changes; nothing outside to end."""


def _option(options: Mapping[str, Any], name: str) -> str:
    value: str = options.get(name, DEFAULTS[name])
    return value
