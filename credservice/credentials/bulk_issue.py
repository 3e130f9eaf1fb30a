"""Makes many first credentials at once, each as ``services.start_issue`` does: sealed, recorded and told of."""

from collections.abc import Mapping, Sequence
from typing import Any

from credservice.audit import Line, record_many
from credservice.core.postgres_copy import copy_rows
from credservice.credentials import events, transitions
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import issued_here


def make_first(
    *,
    policy: CredentialPolicy,
    context: Mapping[str, Any],
    subject: str,
    entered: Mapping[str, str] | None,
    suspended: bool,
) -> Credential:
    """Make an active credential, sealed, not yet written. Its issuer must be local.

    Raises :class:`Invalid` where that refuses the values entered. The caller looks for leaked ones, all at once.
    """
    credential = Credential(policy=policy, context=dict(context), subject=subject, suspended=suspended)
    credential.line = credential.pk
    transitions.fill(credential, issued_here(credential, entered))
    return credential


def write_first(credentials: Sequence[Credential], *, actor: str) -> None:
    """Write what :func:`make_first` made, with its lines in the trail and its events, in the caller's transaction."""
    copy_rows(credentials)
    record_many([Line.about(each, "credential.issued", actor) for each in credentials])
    events.first_made(credentials)
