"""Does a write once and answers its repetitions the same, by their ``Idempotency-Key``.

The key's row is written in the transaction of the act itself. So of several at once one acts, and the others wait for
its commit; and a process that dies leaves neither the act nor the key. A call that was refused leaves nothing either:
put right, it may be sent under the same key.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request
from rest_framework.response import Response

from credservice.crypto import digest, seal, unseal
from credservice.vendor_api.models import IdempotentCall, ServiceToken
from credservice.vendor_api.problems import KeyInUse, KeyReused, refused

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
# How long a repetition waits for the call that it repeats, and how long what follows a commit may take.
WAIT_SECONDS = 5
UNDER_WAY = timedelta(seconds=60)
KEPT_HEADERS = ("Location", "ETag")
SWEEP_BATCH = 5000
_FORGET = "DELETE FROM vendor_api_idempotentcall WHERE token_id = %s AND key = %s AND created_at <= %s"
_INSERT = """
INSERT INTO vendor_api_idempotentcall (id, token_id, key, fingerprint, is_final, created_at)
VALUES (%s, %s, %s, %s, false, now()) ON CONFLICT (token_id, key) DO NOTHING
"""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Deferred:
    """The answer of a write as far as its transaction goes, and ``then``, which follows the commit and answers anew."""

    response: Response
    then: Callable[[], Response]


Answer = Response | Deferred


@dataclass(frozen=True)
class Claim:
    """The right to act: the row of a key that nobody has used."""

    call: IdempotentCall

    def keep(self, response: Response, *, final: bool) -> None:
        """Keep the answer, sealed: it may hold what only its caller should see."""
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        answer = {"status": response.status_code, "body": response.data, "headers": headers}
        text = json.dumps(answer, default=str).encode()
        row = IdempotentCall.objects.filter(pk=self.call.pk)
        row.update(sealed_answer=seal(text, self.call.place), is_final=final)


def once(request: Request, token: ServiceToken, act: Callable[[], Answer]) -> Response:
    """Do a write in one transaction, and what it defers after the commit; once for each ``Idempotency-Key``."""
    key = key_of(request)
    with transaction.atomic():
        claimed = claim(request, token, key) if key is not None else None
        if isinstance(claimed, Response):
            return claimed
        answer = act()
        response, then = (answer.response, answer.then) if isinstance(answer, Deferred) else (answer, None)
        if claimed is not None:
            claimed.keep(response, final=then is None)
    if then is not None:
        response = then()
        if claimed is not None:
            claimed.keep(response, final=True)
    return response


def key_of(request: Request) -> str | None:
    """Read the request's key. Raises Invalid where it is none."""
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise refused("", f"{HEADER}: send 1 to 255 printable ASCII characters without blanks.")
    return key


def claim(request: Request, token: ServiceToken, key: str) -> Claim | Response:
    """Take the right to act, in the caller's transaction; or return the answer of the call that this one repeats.

    Raises :class:`KeyReused` for another call under a known key, :class:`KeyInUse` while that one takes long.
    """
    call = IdempotentCall(token=token, key=key, fingerprint=_fingerprint(request))
    if _insert(call):
        return Claim(call)
    earlier = IdempotentCall.objects.get(token=token, key=key)
    if bytes(earlier.fingerprint) != call.fingerprint:
        raise KeyReused(f"This {HEADER} came with another method, path or body before.")
    if not earlier.is_final and earlier.created_at > timezone.now() - UNDER_WAY:
        raise _in_use()
    return _again(earlier)


def sweep() -> int:
    """Forget keys that are old enough. Returns how many there were."""
    old = IdempotentCall.objects.filter(created_at__lte=timezone.now() - KEPT_FOR).order_by("created_at")
    deleted, _ = IdempotentCall.objects.filter(pk__in=old.values("pk")[:SWEEP_BATCH]).delete()
    return deleted


def _insert(call: IdempotentCall) -> bool:
    """Take the key, if it is new; waits for somebody else's row that is not yet committed."""
    row: list[Any] = [call.pk, call.token_id, call.key, call.fingerprint]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout TO '{WAIT_SECONDS}s'")
            cursor.execute(_FORGET, [call.token_id, call.key, timezone.now() - KEPT_FOR])
            cursor.execute(_INSERT, row)
            is_new: bool = cursor.rowcount == 1
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
        return is_new
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise _in_use() from None
        raise


def _fingerprint(request: Request) -> bytes:
    """Keyed: a body may hold a secret, and nobody is to try guesses at it."""
    parts = (request.method or "", request.get_full_path(), request._request.body.decode(errors="replace"))
    return digest(json.dumps(parts), "idempotency")


def _again(call: IdempotentCall) -> Response:
    answer = json.loads(unseal(bytes(call.sealed_answer or b""), call.place))
    return Response(
        answer["body"], status=answer["status"], headers=answer["headers"] | {"Idempotent-Replayed": "true"}
    )


def _in_use() -> KeyInUse:
    return KeyInUse(f"A call with this {HEADER} is being answered.", retry_after=1)
