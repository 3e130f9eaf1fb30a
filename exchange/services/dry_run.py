"""Tells how an exchange would be answered now, and why: decided as a real one, changing and showing nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Model

from credservice.core.exceptions import ServiceError, Unauthenticated
from credservice.credentials.models import Credential, CredentialPolicy
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.queries import ExchangeRow
from exchange.refusals import NothingGranted, WaitingForApproval
from exchange.serializers import ExchangeIds
from exchange.services.exchange import check_installation, check_parties, fill_answer, find_row, open_values
from exchange.services.first_exchange import check_expired, issuer_errors, newest_of, renewing_policy

MASK = "••••••••"


@dataclass
class Trial:
    """The outcome. ``answer`` has a mask for each value of the credential; None where the call would be refused."""

    status: int = 200
    code: str = ""
    message: str = ""
    answer: dict[str, object] | None = None
    notes: list[str] = field(default_factory=list)  # why, in the order of the decision
    objects: list[tuple[str, Model]] = field(default_factory=list)  # what was decided by


def try_exchange(*, platform: Platform, ids: ExchangeIds) -> Trial:
    """Try a call of ``platform`` with these ids, as if its signature held."""
    trial = Trial()
    try:
        _decide(trial, platform, ids)
    except ServiceError as error:
        trial.status, trial.code, trial.message, trial.answer = error.status, error.code, error.message, None
        reason = getattr(error, "reason", "") or error.code
        trial.notes.append(f"The trail would say: {reason.replace('_', ' ')}.")
    return trial


def _decide(trial: Trial, platform: Platform, ids: ExchangeIds) -> None:
    if not platform.is_active:
        trial.notes.append("The platform is suspended: everything that it sends is refused.")
        raise Unauthenticated("platform_suspended")
    row = find_row(platform.name, ids)
    trial.objects += _objects(row)
    check_parties(row)
    if row.installation is None:
        _first_seen(trial, platform)
        check_installation(row._replace(belongs=True, installation_state=Installation.State.ACTIVE))
    else:
        check_installation(row)
    with issuer_errors():
        names = _value_names(trial, row)
    trial.answer = fill_answer(row, dict.fromkeys(names, MASK))


def _objects(row: ExchangeRow) -> list[tuple[str, Model]]:
    found: list[tuple[str, type[Model], object]] = [
        ("Integration", Integration, row.integration),
        ("End user", EndUser, row.end_user),
        ("Installation", Installation, row.installation),
        ("Policy", CredentialPolicy, row.policy),
        ("Credential", Credential, row.credential),
    ]
    rows = [(name, model._default_manager.filter(pk=pk).first()) for name, model, pk in found if pk is not None]
    return [(name, obj) for name, obj in rows if obj is not None]


def _first_seen(trial: Trial, platform: Platform) -> None:
    if platform.approve_installations:
        trial.notes.append("The installation is new: it would be recorded, active at once.")
        return
    trial.notes.append("The installation is new: it would be recorded, waiting for approval.")
    raise WaitingForApproval("This installation waits for the vendor's approval.")


def _value_names(trial: Trial, row: ExchangeRow) -> Iterable[str]:
    """Find the names of the values that would be handed out: those that a credential has, whatever its policy makes by
    now; of one that would be made first, its policy's. Raises NothingGranted, DoesNotOpen."""
    if row.line is not None:
        grants = Grant.objects.filter(line=row.line, installation__isnull=False)
        narrow = row.installation is not None and grants.filter(installation_id=row.installation).exists()
        trial.notes.append(f"The grant is of {'this installation alone' if narrow else 'the end user'}.")
    if row.usable and not row.due:
        trial.notes.append("The credential is there.")
        return open_values(row)
    policy, note = _made(row)
    trial.notes.append(note)
    return policy.value_names()


def _made(row: ExchangeRow) -> tuple[CredentialPolicy, str]:
    """Tell by which policy one would be made, and why. Raises NothingGranted."""
    if row.line is None:
        assert row.policy is not None  # check_parties
        policy = CredentialPolicy.objects.get(pk=row.policy)
        if not policy.backend().generates:
            raise NothingGranted(reason="no_grant")
        return policy, "Nothing is granted yet: a grant and a credential would be made."
    if row.due:
        assert row.credential is not None
        due = Credential.objects.select_related("policy").get(pk=row.credential)
        return renewing_policy(due), "The credential is due: its successor would be made first, and handed out."
    newest = newest_of(row.line, row.owner)
    if newest.state == Credential.State.PENDING:
        return newest.policy, "The credential is being made: the call would wait for it."
    check_expired(newest)
    return renewing_policy(newest), "The credential has expired: a successor would be made."
