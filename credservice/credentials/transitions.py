"""Takes the single steps of a credential's life, each in the caller's transaction with its line in the trail.

``services`` decides which step a caller's wish takes, ``issuer_calls`` which one follows an issuer's answer.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import uniform
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from credservice.audit import Line, record, record_many
from credservice.core.hot_statements import HotStatement
from credservice.core.jobs import enqueue
from credservice.credentials import events
from credservice.credentials.models import LEAKED_WITH, OWN_END, STUCK_AFTER, Credential, CredentialPolicy
from credservice.crypto import SealError, digest, seal_values
from credservice.issuers.base import Issued, IssueRequest

State, Outside = Credential.State, Credential.Outside
# Shorter values are not worth looking up: too many strings would match them by chance.
MIN_DIGESTED = 12
# In an address (RFC 3986, 3.2.1), also one among other text.
_PASSWORD = re.compile(r"""://[^\s"'<>,{}/?#:@]*:([^\s"'<>/?#@]+)@""")
MADE = (
    *("sealed_values", "lookup", "value_digests", "hint", "handle", "expires_at", "refresh_at", "rotates_at"),
    *("state", "activated_at", "attempts", "next_attempt_at", "failure"),
)
JITTER = 0.1  # of a rotation period, so that what was made together is not rotated together
_INSERT = HotStatement(
    "credential_insert",
    """
INSERT INTO credentials_credential
    (id, policy_id, line, predecessor_id, predecessor_overlap, state, sealed_values, subject, suspended, context,
     handle, lookup, value_digests, hint, created_at, activated_at, expires_at, refresh_at, rotates_at, failure,
     attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, '', 0)
""",
)
# The issuer's copy stays for as long as something has to be ended by it.
_ERASE = """
UPDATE credentials_credential SET sealed_values = NULL,
    handle = CASE WHEN state = 'retiring' THEN handle ELSE handle - 'sealed' END,
    value_digests = array_remove(value_digests || new.digests, NULL)
FROM (
    SELECT pk, array_agg(digest) AS digests FROM unnest(%s::uuid[], %s::bytea[]) AS each(pk, digest) GROUP BY pk
) AS new WHERE id = new.pk
"""


def request_for(credential: Credential, entered: Mapping[str, str] | None = None) -> IssueRequest:
    policy = credential.policy
    return IssueRequest(str(credential.pk), policy.options, credential.context, entered, policy.lifetime)


def activate(credential: Credential, issued: Issued, actor: str) -> None:
    """Make what the issuer made the active credential of its line, and retire the predecessor. Saves."""
    predecessor = credential.predecessor
    if predecessor is not None and predecessor.state == State.ACTIVE:
        overlap, predecessor.followed_by = credential.predecessor_overlap, issued.values
        retire(predecessor, credential.policy.overlap if overlap is None else overlap, actor, leaked=no_time(overlap))
    recovered = credential.attempts > 0
    fill(credential, issued)
    credential.made = issued.values
    # Only what is made here: whether it is suspended, say, may have changed while an issuer was at work.
    if credential._state.adding:
        _insert(credential)
    else:
        credential.save(update_fields=MADE)
    record_step("credential.issued", credential, actor, **_replaced(predecessor))
    events.made(credential, recovered=recovered)


def _replaced(predecessor: Credential | None) -> dict[str, Any]:
    if predecessor is None:
        return {}
    return {"replaces": str(predecessor.pk)} | ({"replaces_leaked": True} if predecessor.leaked_at else {})


def _insert(credential: Credential) -> None:
    """Insert a credential that is active from the start, as ``save`` would at three times the cost."""
    digests = ",".join(f'"\\\\x{value.hex()}"' for value in credential.value_digests)
    overlap = credential.predecessor_overlap
    _INSERT.later(
        *(credential.pk, credential.policy_id, credential.line, credential.predecessor_id),
        *(f"{overlap.total_seconds()} s" if overlap is not None else None, credential.state),
        *(credential.sealed_values, credential.subject, credential.suspended, json.dumps(credential.context)),
        *(json.dumps(credential.handle), credential.lookup, f"{{{digests}}}", credential.hint, credential.created_at),
        *(credential.activated_at, credential.expires_at, credential.refresh_at, credential.rotates_at),
    )
    credential._state.adding, credential._state.db = False, DEFAULT_DB_ALIAS


def fill(credential: Credential, issued: Issued) -> None:
    """Seal what was made, and set its digests and times: active from now on. Does not save."""
    now = timezone.now()
    credential.sealed_values = seal_values(issued.values, credential.place)
    credential.lookup = digest(issued.lookup, "lookup") if issued.lookup else None
    credential.value_digests = [value_digest(part) for value in issued.values.values() for part in parts_of(value)]
    credential.expires_at, credential.refresh_at = _expiry(credential, issued, now), issued.refresh_at
    credential.hint, credential.handle = issued.hint, {**issued.handle, **_own_end(credential, issued)}
    credential.rotates_at = _next_rotation(credential, now, now)
    credential.state, credential.activated_at = State.ACTIVE, now
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""


def no_time(overlap: timedelta | None) -> bool:
    """Tell if a rotation was told to leave the predecessor no time, which says that it has leaked."""
    return overlap is not None and overlap <= timedelta(0)


def retire(credential: Credential, overlap: timedelta, actor: str, *, leaked: bool = False) -> None:
    """End it when a successor takes over: after ``overlap``, never past its own expiry; at once without an overlap, or
    where its own leak was reported, whatever the rotation that comes through was told."""
    if overlap <= timedelta(0) or credential.ends_when_followed():
        begin_end(credential, actor, why="rotated without overlap", leaked=leaked)
        return
    end = timezone.now() + overlap
    credential.retires_at = min(end, credential.expires_at or end)
    credential.state, credential.rotates_at = State.RETIRING, None
    credential.save(update_fields=["state", "retires_at", "rotates_at"])
    record_step("credential.retiring", credential, actor)
    enqueue("credentials.end", credential_id=credential.pk, at=credential.retires_at)


def begin_end(credential: Credential, actor: str, why: str, *, leaked: bool = False, leaked_by: str = "") -> None:
    """Hand it out no more, and where it has leaked, as is said now (by ``leaked_by``, if not ``actor``) or was before,
    erase its values. A job, which never gives up, ends what is outside: by its handle."""
    is_news = leaked and mark_leaked(credential, leaked_by or actor)
    _begin_end(credential, actor, why)
    if is_news:
        events.leaked(credential)
    _erase_leaked(credential, actor)


def _begin_end(credential: Credential, actor: str, why: str) -> None:
    now = timezone.now()
    backend = credential.policy.backend()
    if backend.local or not backend.can_revoke:
        end(credential, State.REVOKED, actor, why=why)
        return
    credential.state, credential.rotates_at = State.RETIRING, None
    credential.retires_at = min(now, credential.retires_at or now)
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""
    credential.save(update_fields=["state", "retires_at", "rotates_at", "attempts", "next_attempt_at", "failure"])
    record_step("credential.revoking", credential, actor, why=why)
    enqueue("credentials.end", credential_id=credential.pk)


def end(
    credential: Credential,
    state: Credential.State,
    actor: str,
    *,
    left: Credential.Outside | None = None,
    **detail: Any,
) -> None:
    """Call it ended; ``left`` says what may be left outside, where that is more than its issuer tells. Nothing is left
    to be done with what its issuer kept sealed, nor with values that have leaked."""
    credential.outside = left or _left_outside(credential) or ""
    credential.state, credential.ended_at, credential.rotates_at = state, timezone.now(), None
    credential.attempts, credential.next_attempt_at, credential.failure = 0, None, ""
    credential.handle = {name: value for name, value in credential.handle.items() if name != "sealed"}
    credential.save(
        update_fields=["state", "ended_at", "rotates_at", "attempts", "next_attempt_at", "failure", "handle", "outside"]
    )
    record_step(f"credential.{state.value}", credential, actor, **detail)
    events.ended(credential)
    _erase_leaked(credential, actor)


def mark_leaked(credential: Credential, by: str) -> bool:
    """Keep when it was first reported as leaked, and by whom: also after its end. Saves. Returns whether it is news: so
    is its own report, of one that another line's leak had marked."""
    if credential.ends_when_followed() or (credential.leaked_at is not None and by.startswith(LEAKED_WITH)):
        return False
    credential.leaked_at, credential.leaked_by = credential.leaked_at or timezone.now(), by[:255]
    credential.save(update_fields=["leaked_at", "leaked_by"])
    return True


def note_leak(credential: Credential) -> None:
    """Note that what may still work outside has leaked. Saves."""
    told_elsewhere = credential.outside == Outside.CONFIRMED or (not credential.outside and _lives_on(credential))
    if credential.outlives_its_end() and not told_elsewhere:
        credential.outside = Outside.LEAKED
        credential.save(update_fields=["outside"])


def confirm_end(credential: Credential, actor: str, why: str) -> None:
    """Note that somebody has ended it outside. Saves."""
    credential.outside = Outside.CONFIRMED
    credential.save(update_fields=["outside"])
    record_step("credential.end_confirmed", credential, actor, **({"why": why} if why else {}))
    events.end_confirmed(credential)


def _left_outside(credential: Credential) -> "Credential.Outside | None":
    """Choose what a person should see to: of a token that ends by its expiry, soon mostly, only one that has leaked."""
    if not credential.outlives_its_end():
        return None
    leaked = credential.leaked_at is not None
    expires = credential.policy.backend().expires_itself and credential.expires_at is not None
    if (expires and not leaked) or _lives_on(credential):
        return None
    return Outside.LEAKED if leaked else Outside.OPEN


def _lives_on(credential: Credential) -> bool:
    """Tell if another version of its line, which has not ended, has every value of it: what is left outside is that
    one's then, and told when that ends; of a leak, where that one is marked too. Also short values count, which have no
    digest; so they are opened."""
    try:
        its = Counter(credential.open().values())
        return any(its <= Counter(values.values()) for values in _values_after(credential))
    except SealError:
        return False


def _values_after(credential: Credential) -> Iterator[Mapping[str, str]]:
    """Open what its line has besides; the successor alone, where that is about to follow and nothing has leaked."""
    leaked = credential.leaked_at is not None
    if credential.followed_by is not None and not leaked:
        yield credential.followed_by
        return
    of_line = Credential.objects.unended().filter(line=credential.line, sealed_values__isnull=False)
    others = of_line.filter(leaked_at__isnull=False) if leaked else of_line
    yield from (other.open() for other in others.exclude(pk=credential.pk))


def erase(credentials: Sequence[Credential], actor: str, why: str) -> None:
    """Erase the values of what is handed out no more. What they were is still recognised, by digests."""
    digests = [(credential.pk, digest) for credential in credentials for digest in _erased_digests(credential)]
    with connection.cursor() as cursor:
        cursor.execute(_ERASE, [[pk for pk, _ in digests], [digest for _, digest in digests]])
    for credential in credentials:
        credential.sealed_values = None
    record_many(Line.about(credential, "credential.erased", actor, {"why": why}) for credential in credentials)


def _erase_leaked(credential: Credential, actor: str) -> None:
    if credential.leaked_at is not None and credential.sealed_values is not None:
        erase([credential], actor, why="leaked")


def has_or_had(credential: Credential, values: Mapping[str, str]) -> bool:
    """Tell if these are a credential's values, or were before they were erased."""
    return has_digest(credential, values_digest(values))


def has_digest(credential: Credential, digested: bytes) -> bool:
    """Tell the same of values by their :func:`values_digest`."""
    if credential.sealed_values is not None:
        return values_digest(credential.open()) == digested
    return digested in map(bytes, credential.value_digests)


def fail(credential: Credential, why: str, actor: str) -> None:
    """Call it failed: it can never be made."""
    credential.state, credential.failure, credential.ended_at = State.FAILED, why[:255], timezone.now()
    credential.save(update_fields=["state", "failure", "ended_at"])
    record_step("credential.issue", credential, actor, outcome="failed", why=why)
    events.issue_failed(credential, final=True)


def note_attempt(credential: Credential, action: str, why: str, actor: str, pause: timedelta) -> None:
    """Note an attempt that came to nothing; the next one waits. The trail has the first one and then ever fewer."""
    credential.attempts += 1
    credential.failure, credential.next_attempt_at = why[:255], timezone.now() + pause
    credential.save(update_fields=["attempts", "failure", "next_attempt_at"])
    if credential.attempts & (credential.attempts - 1) == 0:
        record_step(action, credential, actor, outcome="failed", why=why, attempts=credential.attempts)
    if action == "credential.issue" and credential.attempts == 1:
        events.issue_failed(credential, final=False)
    if action == "credential.revoke" and credential.attempts == STUCK_AFTER:
        events.revocation_stuck(credential)


def record_step(action: str, credential: Credential, actor: str, *, outcome: str = "done", **detail: Any) -> None:
    record(Line.about(credential, action, actor, detail, outcome=outcome))


def parts_of(value: str) -> list[str]:
    """List what of a value is recognised by itself, if it is long enough: all of it, also without the blanks and line
    breaks around it, as a key's file ends with one, and the passwords in addresses."""
    written = _PASSWORD.findall(value)
    parts = dict.fromkeys((value, value.strip(), *written, *map(unquote, written)))
    return [part for part in parts if len(part) >= MIN_DIGESTED]


def value_digest(value: str) -> bytes:
    """Digest a value for the look-up of pasted strings."""
    return digest(value, "value")


def values_digest(values: Mapping[str, str]) -> bytes:
    """Digest the values together: also short ones, which have no digest of their own."""
    return digest(json.dumps(dict(values), sort_keys=True), "values")


def values_digests(values: Mapping[str, str]) -> set[bytes]:
    """Digest them as they are, and without the blanks and line breaks around each: what leaked is known by either."""
    return {values_digest(values), values_digest({name: value.strip() for name, value in values.items()})}


def _erased_digests(credential: Credential) -> Collection[bytes | None]:
    try:
        return values_digests(credential.open())
    except SealError:  # it is erased all the same
        return [None]


def _expiry(credential: Credential, issued: Issued, now: datetime) -> datetime | None:
    lifetime = credential.policy.lifetime
    ends = [end for end in (issued.expires_at, now + lifetime if lifetime else None) if end is not None]
    return min(ends, default=None)


def _own_end(credential: Credential, issued: Issued) -> dict[str, str]:
    """Keep when it expires outside, where that is not its end here: nothing else may end it there."""
    backend = credential.policy.backend()
    if issued.expires_at == credential.expires_at or backend.can_revoke or not backend.expires_itself:
        return {}
    return {OWN_END: issued.expires_at.isoformat() if issued.expires_at else ""}


def reschedule(policy_id: UUID, batch: int, after: UUID | None = None) -> UUID | None:
    """Have a batch of a policy's active credentials, those of lines ``after`` one, rotate by the period that it has by
    now. Returns the last line of the batch; None after the last batch.

    What is due is left: it is rotated anyway, and perhaps for another reason. What is older than the period is not due
    at once, all of it together, but within the jitter.
    """
    with transaction.atomic():
        # Locked: a period that is saved meanwhile waits, so that no batch undoes what a later one has done.
        policy, now = CredentialPolicy.objects.select_for_update(no_key=True).get(pk=policy_id), timezone.now()
        period = policy.rotation_period if policy.backend().generates else None
        rows = Credential.objects.filter(_planned_otherwise(period, now), policy=policy, state=State.ACTIVE)
        rows = rows.filter(line__gt=after) if after else rows
        found = list(rows.order_by("line").select_for_update(of=("self",))[:batch])
        for credential in found:
            credential.policy = policy
            credential.rotates_at = _next_rotation(credential, credential.activated_at or now, now)
        Credential.objects.bulk_update(found, ["rotates_at"])
    return found[-1].line if len(found) == batch else None


def _planned_otherwise(period: timedelta | None, now: datetime) -> Q:
    """Find what is to be rotated at another time than by this period, and is not due."""
    otherwise = Q(rotates_at__gt=now)
    if period is None:
        return otherwise
    made = F("activated_at")
    earliest, latest = made + Value(period * (1 - JITTER)), Greatest(made + Value(period), now + period * JITTER)
    return Q(rotates_at=None) | (otherwise & (Q(rotates_at__lt=earliest) | Q(rotates_at__gt=latest)))


def _next_rotation(credential: Credential, made: datetime, now: datetime) -> datetime | None:
    """Choose a time by the period since it was made, within the jitter; from now on, where it is older than that."""
    period = credential.policy.rotation_period
    if period is None or not credential.policy.backend().generates:  # of entered values, somebody makes the successor
        return None
    share = uniform(0, JITTER)  # noqa: S311 - no secret
    planned = made + period * (1 - JITTER + share)
    return planned if planned > now else now + period * share
