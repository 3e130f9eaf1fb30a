"""The exchange: from three ids to the answer that the platform's modal was set to expect."""

import json
from typing import Any

import structlog

from credservice.crypto import Place, SealError, unseal_values
from credservice.exceptions import Unavailable
from credservice.limits.counter import count_call
from exchange.models import Installation
from exchange.onboarding import Parties, make_credential, record_first_seen, refresh_credential
from exchange.queries import ExchangeRow, PlatformRow, find_exchange
from exchange.refusals import (
    IncompleteAnswer,
    Suspended,
    UnknownEndUser,
    UnknownInstallation,
    UnknownIntegration,
    WaitingForApproval,
)
from exchange.serializers import ExchangeIds
from exchange.shapes import MissingAttribute, fill
from exchange.trail import Attempt, record_granted

log = structlog.get_logger(__name__)

# A first exchange looks three times: an installation to record, a credential to make, and then both. One more for
# a row that another request changed in between.
_LOOKS = 4


def exchange_credential(*, platform: PlatformRow, ids: ExchangeIds, attempt: Attempt) -> dict[str, Any]:
    """The answer for these ids; its audit line is committed.

    Raises TooMany, NotFound, Forbidden or Unavailable (exchange.refusals): nothing is handed out then.
    """
    if platform.requests_per_minute is not None:
        count_call(f"platform:{platform.id}", platform.requests_per_minute)
    row = find_usable(platform=platform, ids=ids, attempt=attempt)
    answer = make_answer(row)
    record_granted(attempt, row)
    return answer


def find_usable(*, platform: PlatformRow, ids: ExchangeIds, attempt: Attempt) -> ExchangeRow:
    """The row of these ids, with a credential that may be handed out now.

    What is missing and may be made is made, and then everything is looked up and decided again: so whatever was
    suspended or revoked meanwhile counts.
    """
    refreshed = False
    for _ in range(_LOOKS):
        row = find_exchange(platform.id, ids)
        parties = check_parties(row)
        if row.installation is None:
            record_first_seen(platform=platform, parties=parties, ids=ids)
            continue
        check_installation(row)
        if row.due and row.credential and not refreshed:
            refreshed = True
            attempt.stale = refresh_credential(platform=platform, credential_id=row.credential)
        elif row.usable:
            return row
        else:
            make_credential(platform=platform, parties=parties, installation=row.installation, ids=ids)
    raise Unavailable("The credential is being changed. Try again shortly.", retry_after=1)


def check_parties(row: ExchangeRow) -> Parties:
    if row.integration is None or row.policy is None:
        raise UnknownIntegration("No integration has this integrationId.")
    if row.end_user is None:
        raise UnknownEndUser("No end user has this endUserId. The vendor registers its end users beforehand.")
    if not row.integration_active:
        raise Suspended("integration")
    if not row.end_user_active:
        raise Suspended("end user")
    return Parties(row.integration, row.policy, row.end_user)


def check_installation(row: ExchangeRow) -> None:
    """The installation binds all three ids (protocol notes, MindCloud): the signature does not cover the body."""
    if not row.belongs:
        raise UnknownInstallation(
            "No installation of this end user and integration has this installationId.",
            reason="installation_of_another",
        )
    if row.installation_state == Installation.State.PENDING:
        raise WaitingForApproval("This installation waits for the vendor's approval.")
    if row.installation_state != Installation.State.ACTIVE:
        raise Suspended("installation")
    if row.suspended:
        raise Suspended("credential")


def make_answer(row: ExchangeRow) -> dict[str, Any]:
    """The integration's response shape, filled. Raises IncompleteAnswer, or Unavailable for a value that is sealed
    under a key which this process does not have."""
    try:
        values = unseal_values(row.sealed_values, Place("credentials.credential", str(row.credential), "sealed_values"))
    except SealError as error:
        log.error("credential_does_not_open", credential=str(row.credential), error=str(error))  # noqa: TRY400
        raise Unavailable("The credential cannot be opened right now.", retry_after=30) from None
    end_user = json.loads(row.end_user_attributes)
    if row.external_id:
        end_user["external_id"] = row.external_id
    sources = {"credential": values, "end_user": end_user, "installation": json.loads(row.installation_attributes)}
    try:
        return fill(json.loads(row.response_shape), sources)
    except MissingAttribute as error:
        raise IncompleteAnswer(f"The answer cannot be filled: the {error}.") from None
