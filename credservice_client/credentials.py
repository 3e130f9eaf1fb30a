"""Manages credentials, named by the service's id."""

from collections.abc import Iterator, Mapping
from typing import Any

from credservice_client.answers import Credential, Revealed
from credservice_client.calls import Calls, Query, once, place


class Credentials(Calls):
    def list_credentials(
        self,
        *,
        state: str | None = None,
        policy: str | None = None,
        subject: str | None = None,
        line: str | None = None,
        hint: str | None = None,
        outside: str | None = None,
        leaked: bool | None = None,
        lacks_value: bool | None = None,
        page_size: int | None = None,
    ) -> Iterator[Credential]:
        """List the newest first. ``outside``: ``open`` or ``leaked``, those that you have to end in your product.
        ``leaked``: those that were reported as leaked. ``lacks_value``: those that are handed out, and were made before
        their policy had all its values."""
        query: Query = {
            **{"state": state, "policy": policy, "subject": subject, "line": line, "hint": hint},
            **{"outside": outside, "leaked": leaked, "lacks_value": lacks_value},
        }
        return self._list(Credential, "/credentials", query, page_size)

    def read_credential(self, credential: str, *, known: Credential | None = None) -> Credential:
        return self._get_tagged(Credential, place("credentials", credential), known)

    def create_credential(
        self,
        policy: str,
        *,
        subject: str | None = None,
        context: Mapping[str, Any] | None = None,
        values: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Credential:
        """Make one that no grant hands out. ``state`` is ``pending`` while its issuer cannot be reached."""
        body = {"policy": policy, "subject": subject, "context": context, "values": values}
        headers = once(idempotency_key)
        return self._write(Credential, "POST", "/credentials", body, headers=headers)

    def set_credential_values(
        self,
        credential: str,
        values: Mapping[str, str],
        *,
        overlap_seconds: int | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Credential:
        """Set values. Others than the present ones make a successor, which is answered."""
        body = {"values": values, "overlap_seconds": overlap_seconds}
        headers = once(idempotency_key, if_match=if_match)
        return self._write(Credential, "PUT", place("credentials", credential, "values"), body, headers=headers)

    def rotate_credential(
        self,
        credential: str,
        *,
        leaked: bool | None = None,
        overlap_seconds: int | None = None,
        force_reason: str | None = None,
        values: Mapping[str, str] | None = None,
        reason: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Credential:
        """Make its successor.

        ``leaked``: the current one ends as soon as that is there. ``force_reason`` abandons a pending rotation;
        ``reason`` is kept in the trail.
        """
        body = {
            "leaked": leaked,
            "overlap_seconds": overlap_seconds,
            "force_reason": force_reason,
            "values": values,
            "reason": reason,
        }
        headers = once(idempotency_key, if_match=if_match)
        return self._write(Credential, "POST", place("credentials", credential, "rotate"), body, headers=headers)

    def revoke_credential(
        self,
        credential: str,
        reason: str,
        *,
        predecessors: bool | None = None,
        leaked: bool | None = None,
        ended_outside: bool | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Credential:
        """End it. ``state`` is ``retiring`` while it is ended outside, then ``revoked``.

        ``leaked``: its values are erased at once, and retiring versions that have one of its secrets end too.
        ``ended_outside``: you have ended it in your product, which its issuer cannot.
        """
        body = {
            "reason": reason,
            "predecessors": predecessors,
            "leaked": leaked,
            "ended_outside": ended_outside,
        }
        headers = once(idempotency_key, if_match=if_match)
        return self._write(Credential, "POST", place("credentials", credential, "revoke"), body, headers=headers)

    def reveal_credential(self, credential: str, reason: str, *, idempotency_key: str | None = None) -> Revealed:
        """Read its values. The reason goes into the trail."""
        headers = once(idempotency_key)
        return self._write(
            Revealed, "POST", place("credentials", credential, "reveal"), {"reason": reason}, headers=headers
        )
