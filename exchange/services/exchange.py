"""Exchanges three ids for the answer that the platform's modal was set to expect."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import structlog

from credservice.core.exceptions import Unauthenticated, Unavailable
from credservice.crypto import Place, SealError, unseal_values
from credservice.limits.counter import count_call
from exchange.audit import Attempt, record_granted, refusals_recorded
from exchange.models import Installation
from exchange.queries import ExchangeRow, Parties, PlatformRow, find_exchange
from exchange.refusals import (
    OF_ANOTHER,
    DoesNotOpen,
    IncompleteAnswer,
    InstallationRefused,
    NothingGranted,
    Suspended,
    UnknownEndUser,
    UnknownInstallation,
    UnknownIntegration,
    WaitingForApproval,
)
from exchange.serializers import ExchangeIds
from exchange.services.first_exchange import make_credential, record_first_seen, refresh_credential
from exchange.shapes import MissingAttributes, fill

log = structlog.get_logger(__name__)

# A first exchange looks three times: an installation to record, a credential to make, and then both. One more for
# a row that another request changed in between.
_LOOKS = 4


def exchange_credential(
    *, platform: PlatformRow, ids: ExchangeIds, found: ExchangeRow, attempt: Attempt
) -> dict[str, Any]:
    """Return the answer for these ids. Its line in the trail is committed, as a refusal's is.

    ``found`` is what was found for them, as a rule together with the platform. Raises TooMany, NotFound, Forbidden or
    Unavailable (exchange.refusals): nothing is handed out then.
    """
    with refusals_recorded(attempt):
        if platform.requests_per_minute is not None:
            count_call(f"platform:{platform.id}", platform.requests_per_minute)
        row = find_usable(platform=platform, ids=ids, found=found)
        due = row.credential if row.due else None
        stale = refresh_credential(platform=platform, credential_id=due) if due else False
    if stale:
        attempt = replace(attempt, stale=True)
    with refusals_recorded(attempt):
        if due:
            row = find_usable(platform=platform, ids=ids, refreshed=True)
        answer = make_answer(row)
        record_granted(attempt, row)
    return answer


def find_usable(
    *, platform: PlatformRow, ids: ExchangeIds, found: ExchangeRow | None = None, refreshed: bool = False
) -> ExchangeRow:
    """Find the row of these ids with a credential to hand out; before it is ``refreshed``, also one that is due.

    What is missing and may be made is made, and then everything is looked up and decided again: so whatever was
    suspended or revoked meanwhile counts.
    """
    for _ in range(_LOOKS):
        row, found = found or find_row(platform.name, ids), None
        parties = check_parties(row)
        if row.installation is None:
            record_first_seen(platform=platform, parties=parties, ids=ids)
            continue
        check_installation(row)
        if row.usable or (row.due and not refreshed):
            return row
        make_credential(platform=platform, parties=parties, installation=row.installation)
    raise Unavailable("The credential is being changed. Try again shortly.", retry_after=1)


def find_row(platform: str, ids: ExchangeIds) -> ExchangeRow:
    """Find what these ids name at a known platform, which may be suspended by now. Raises :class:`Unauthenticated`."""
    found = find_exchange(platform, ids)
    if found is None or not found.platform.is_active:
        raise Unauthenticated("platform_suspended")
    return found.row


def check_parties(row: ExchangeRow) -> Parties:
    """Return integration and end user. Raises NotFound where one is unknown, Suspended where one is.

    A grant's line is a column like others: a credential that is not the end user's own is handed to nobody.
    """
    if row.integration is None:
        raise UnknownIntegration("No integration has this integrationId.")
    if row.end_user is None:
        raise UnknownEndUser("No end user has this endUserId. The vendor registers its end users beforehand.")
    if not row.integration_active:
        raise Suspended("integration")
    if not row.end_user_active:
        raise Suspended("end user")
    if row.credential is not None and row.subject != row.owner:
        log.error("credential_of_another", credential=str(row.credential), end_user=str(row.end_user))
        raise NothingGranted(reason=OF_ANOTHER)
    return Parties(row.integration, row.end_user)


def check_installation(row: ExchangeRow) -> None:
    """Refuse an installation of others, and what is pending or suspended. Raises NotFound or Forbidden.

    The installation binds all three ids (protocol notes, MindCloud): the signature does not cover the body.
    """
    if not row.belongs:
        raise UnknownInstallation(
            "No installation of this end user and integration has this installationId.",
            reason="installation_of_another",
        )
    if row.installation_state == Installation.State.PENDING:
        raise WaitingForApproval("This installation waits for the vendor's approval.")
    if row.installation_state == Installation.State.REFUSED:
        raise InstallationRefused("The vendor has refused this installation.")
    if row.installation_state != Installation.State.ACTIVE:
        raise Suspended("installation")
    if row.suspended:
        raise Suspended("credential")


def make_answer(row: ExchangeRow) -> dict[str, Any]:
    """Open the credential and fill the answer. Raises IncompleteAnswer, or Unavailable as :func:`open_values`."""
    return fill_answer(row, open_values(row))


def open_values(row: ExchangeRow) -> dict[str, str]:
    """Open the credential's values. Raises Unavailable for one that is sealed under a key which this process does not
    have."""
    try:
        place = Place("credentials.credential", str(row.credential), "sealed_values", (row.owner,))
        return unseal_values(row.sealed_values, place)
    except SealError as error:
        log.error("credential_does_not_open", credential=str(row.credential), error=str(error))  # noqa: TRY400
        raise DoesNotOpen("The credential cannot be opened right now.", retry_after=30) from None


def fill_answer(row: ExchangeRow, values: Mapping[str, str]) -> dict[str, Any]:
    """Fill the integration's response shape with a credential's ``values``. Raises IncompleteAnswer."""
    end_user = json.loads(row.end_user_attributes)
    if row.external_id:
        end_user["external_id"] = row.external_id
    installation = json.loads(row.installation_attributes) if row.installation else {}
    sources = {"credential": values, "end_user": end_user, "installation": installation}
    try:
        return fill(_shape(row.response_shape), sources)
    except MissingAttributes as error:
        raise IncompleteAnswer(f"The answer cannot be filled: the {error}.") from None


@lru_cache(maxsize=256)
def _shape(text: str) -> Mapping[str, str]:
    """Read an integration's response shape: the same text again and again."""
    shape: Mapping[str, str] = json.loads(text)
    return shape
