"""Notes that a credential has leaked, and what else has a secret of it."""

import json

from django.db import transaction

from credservice.core.jobs import enqueue
from credservice.credentials import events, transitions
from credservice.credentials.models import LEAKED_WITH, Credential
from credservice.credentials.shared_values import holders_elsewhere, secrets_elsewhere, share_secret

State = Credential.State


def leak_with(leaking: Credential, actor: str) -> None:
    """See to the other versions of its line that have a secret of ``leaking``, whose line is locked.

    One that retires ends now, as leaked; of one that has ended the leak is noted, and its values are erased. The active
    one is marked, and is all that the customer has: a person rotates it as leaked. So is what other lines have of it,
    by a job: who locked those here as well could wait in a circle. The job is told by which digests it finds them, as
    the values are erased by then.
    """
    digests = secrets_elsewhere(leaking)
    told = "" if digests is None else json.dumps([[one.hex() for one in each] for each in digests])
    enqueue("credentials.note_leak_elsewhere", credential_id=leaking.pk, digests=told)
    others = Credential.objects.filter(line=leaking.line).exclude(pk=leaking.pk).select_related("policy")
    for each in [each for each in others.order_by("created_at", "pk") if share_secret(leaking, each)]:
        other = Credential.objects.lock_one(each)  # its line's lock leaves out ended ones: its end may be confirmed now
        if other.state == State.RETIRING and not other.is_ending():
            transitions.begin_end(other, actor, why=_why(leaking), leaked=True)
        else:
            note_leak(other, actor, why=_why(leaking))


def _why(leaking: Credential) -> str:
    return f"a value of it leaked with {leaking.version_name()}"


def note_leak_elsewhere(leaking: Credential, *, actor: str, digests: str = "") -> None:
    """Mark as leaked the good credentials of other lines that have a secret of ``leaking``, as its reporter's doing.

    What its line hands out does not end by it: somebody else goes on with it, until a person rotates it as leaked. What
    retires besides ends now, as leaked. Each is seen to in a transaction of its own, which locks its line alone; to
    repeat all of it is harmless. ``digests`` are those that :func:`leak_with` told; none where it did not open, nor in
    a job of an older release.
    """
    wanted = [[bytes.fromhex(one) for one in each] for each in json.loads(digests)] if digests else None
    reporter, why = leaking.leaked_by or actor, _why(leaking)
    leaked_by = f"{LEAKED_WITH}{leaking.pk}"
    for holder in holders_elsewhere(leaking, digests=wanted):
        with transaction.atomic():
            found = Credential.objects.lock_one(holder, with_line=True)
            if not found.is_usable():
                continue
            if found.takes_successor():
                note_leak(found, reporter, leaked_by=leaked_by, why=why)
            else:
                transitions.begin_end(found, reporter, why=why, leaked=True, leaked_by=leaked_by)


def note_leak(credential: Credential, actor: str, *, leaked_by: str = "", **detail: str) -> None:
    """Note the leak (by ``leaked_by``, if not ``actor``), and erase the values, but for what is still handed out."""
    is_news = transitions.mark_leaked(credential, leaked_by or actor)
    if credential.state not in Credential.UNENDED:
        transitions.note_leak(credential)
    if credential.sealed_values is not None and credential.state != State.ACTIVE and not credential.is_usable():
        transitions.erase([credential], actor, why="leaked")
    if is_news:
        transitions.record_step("credential.leak_noted", credential, actor, **detail)
        events.leaked(credential)
