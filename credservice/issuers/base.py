"""Defines an issuer: code that makes, and may check and revoke, credentials of one kind.

An issuer is built from the ``OPTIONS`` of its alias in ``settings.CREDENTIAL_ISSUERS``; each call brings the options of
the policy besides. It knows no model: importing this module needs no app registry. See docs/writing-an-issuer.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from credservice.issuers.options import Option, check_declared
from credservice.issuers.options import OptionsError as OptionsError  # issuers of others import both from here
from credservice.issuers.options import only as only

UNLIMITED = "unlimited"


class IssueFailed(Exception):
    """The issuer will not make this credential, however often it is asked. The message holds no secret."""


class IssuerUnavailable(Exception):
    """The issuer cannot be reached or is not ready; asking again may succeed."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


@dataclass(frozen=True)
class IssueRequest:
    """The facts to make a credential from. ``credential_id``, an idempotency key, is the same on every repeat."""

    credential_id: str
    options: Mapping[str, Any]
    context: Mapping[str, Any]  # for whom: end_user, installation, integration; or resource, product, plan, region
    entered: Mapping[str, str] | None = field(default=None, repr=False)  # values that a person or the vendor gave
    lifetime: timedelta | None = None  # the policy's; None: as long as the issuer likes


@dataclass(frozen=True)
class Issued:
    """The credential that was made. ``lookup`` is the value that the vendor's product will present for checking."""

    values: Mapping[str, str] = field(repr=False)
    expires_at: datetime | None = None
    refresh_at: datetime | None = None  # from then on, a hand-out makes a successor first
    lookup: str | None = field(default=None, repr=False)
    hint: str = ""  # enough to tell it from others, not enough to use it
    handle: Mapping[str, Any] = field(default_factory=dict)  # what revoke needs, no secret


class Issuer:
    """Base class. The flags say what the kind can do; the methods do it."""

    about: ClassVar[str] = ""  # what it makes, in a sentence for whoever chooses one
    generates: ClassVar[bool] = True  # makes values itself; False: they must be entered
    local: ClassVar[bool] = False  # issue() and revoke() touch nothing outside this process
    can_revoke: bool = True  # this and the next may depend on OPTIONS
    can_check: bool = False
    overlaps: ClassVar[bool] = True  # two of one line may live at once
    expires_itself: ClassVar[bool] = False  # past its expiry it works nowhere, without a revocation

    def __init__(self, **options: Any) -> None:
        if options:
            raise OptionsError(f"{type(self).__name__} takes no OPTIONS: {', '.join(sorted(options))}")

    def policy_options(self) -> tuple[Option, ...] | None:
        """Declare the options of a policy. None: the console asks for JSON, which ``check_options`` judges."""
        return None

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise :class:`OptionsError` where a policy with these options could not work."""
        declared = self.policy_options()
        if declared is None:
            raise NotImplementedError
        check_declared(declared, options)

    def check_lifetime(self, options: Mapping[str, Any], lifetime: timedelta | None) -> None:
        """Raise :class:`OptionsError` where credentials cannot live for the policy's ``lifetime``. Any is good here."""

    def own_lifetime(self, options: Mapping[str, Any]) -> timedelta | str:
        """Tell how long credentials live where the policy has no lifetime: a span of time, or in words."""
        return UNLIMITED

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the values that a credential will have, for sound options."""
        raise NotImplementedError

    def issue(self, request: IssueRequest) -> Issued:
        """Make the credential, or find the one made before for this id.

        Raises :class:`IssueFailed` or :class:`IssuerUnavailable`.
        """
        raise NotImplementedError

    def check(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> bool:
        """Tell if it still exists outside, for issuers with ``can_check``. Raises :class:`IssuerUnavailable`."""
        raise NotImplementedError

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """End it outside. "Already gone" is success. Raises :class:`IssuerUnavailable` to be asked again."""
        raise NotImplementedError
