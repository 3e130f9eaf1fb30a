"""``api_key``: random keys, prefixed and check-summed, that the vendor's product asks us to check.

Form: ``{prefix}_{environment}_{body}{checksum}``. The body is 30 base62 characters (178 random bits); the checksum is
the CRC32 of all before it in six base62 characters: it rejects typos before any look-up and is no security control.
Policy options: ``name`` of the value, ``prefix``, ``environment``.
"""

import re
import secrets
import string
import zlib
from collections.abc import Mapping
from typing import Any

from credservice.issuers.base import Issued, Issuer, IssueRequest, OptionsError, is_value_name, only

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
_WORD = re.compile(r"[a-z][a-z0-9]{0,15}")
_FORM = re.compile(rf"{_WORD.pattern}_{_WORD.pattern}_[0-9A-Za-z]{{{BODY_CHARACTERS + CHECKSUM_CHARACTERS}}}")
DEFAULTS: Mapping[str, str] = {"name": "API_KEY", "prefix": "sk", "environment": "live"}


class ApiKeyIssuer(Issuer):
    local = True

    def check_options(self, options: Mapping[str, Any]) -> None:
        only(options, set(DEFAULTS))
        for part in ("prefix", "environment"):
            if not _WORD.fullmatch(str(_option(options, part))):
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


def make_key(prefix: str, environment: str) -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(BODY_CHARACTERS))
    unchecked = f"{prefix}_{environment}_{body}"
    return unchecked + checksum(unchecked)


def is_well_formed(key: str) -> bool:
    """Whether form and checksum fit: false for a typo, true says nothing of the key's being known."""
    return bool(_FORM.fullmatch(key)) and checksum(key[:-CHECKSUM_CHARACTERS]) == key[-CHECKSUM_CHARACTERS:]


def checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def hint(key: str) -> str:
    """Prefix and last four characters."""
    return f"{key.rsplit('_', 1)[0]}_…{key[-4:]}"


def _option(options: Mapping[str, Any], name: str) -> str:
    value: str = options.get(name, DEFAULTS[name])
    return value
