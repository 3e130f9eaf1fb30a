"""Keeps ``static`` credentials: values that an operator or the vendor entered, and that we hand out."""

from collections.abc import Mapping
from typing import Any

from credservice.crypto.envelope import MAX_VALUE_BYTES
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest
from credservice.issuers.options import VALUE_NAMES, Option

OPTIONS = (Option("names", VALUE_NAMES, "The names of the values of each credential, one a line.", required=True),)


class StaticIssuer(Issuer):
    about = "Values that you enter, or send by the vendor API."
    generates = False
    local = True
    can_revoke = False  # its end is ours alone: nothing outside knows of it

    def policy_options(self) -> tuple[Option, ...]:
        return OPTIONS

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(options["names"])

    def issue(self, request: IssueRequest) -> Issued:
        values = dict(request.entered or {})
        names = self.value_names(request.options)
        missing = [name for name in names if not values.get(name)]
        unknown = sorted(set(values) - set(names))
        if missing or unknown:
            what = f"needs a value for {missing[0]!r}" if missing else f"has no value named {unknown[0]!r}"
            raise IssueFailed(f"{what}: the policy's names are now {', '.join(names)}")
        for name, value in values.items():
            if not _can_be_kept(value):
                raise IssueFailed(
                    f"needs for {name!r} a text of at most {MAX_VALUE_BYTES // 1024} KiB without NUL characters"
                )
        return Issued(values=values)

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """Nothing outside to end."""


def _can_be_kept(value: Any) -> bool:
    try:
        return "\x00" not in value and len(value.encode()) <= MAX_VALUE_BYTES
    except (AttributeError, TypeError, UnicodeEncodeError):
        return False  # no text at all, or one with a lone surrogate
