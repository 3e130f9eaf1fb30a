"""Reads and writes the policies by which credentials are made."""

from collections.abc import Iterator, Mapping
from typing import Any

from credservice_client.answers import Policy
from credservice_client.calls import Calls, Null, once, place


class Policies(Calls):
    def list_policies(self, *, issuer: str | None = None, page_size: int | None = None) -> Iterator[Policy]:
        return self._list(Policy, "/policies", {"issuer": issuer}, page_size)

    def read_policy(self, policy: str, *, known: Policy | None = None) -> Policy:
        """Read it by its name."""
        return self._get_tagged(Policy, place("policies", policy), known)

    def put_policy(
        self,
        policy: str,
        *,
        issuer: str | None = None,
        options: Mapping[str, Any] | None = None,
        lifetime_seconds: int | Null | None = None,
        rotation_seconds: int | Null | None = None,
        overlap_seconds: int | None = None,
        stale_seconds: int | None = None,
        multiple: bool | None = None,
        probe: Mapping[str, Any] | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Policy:
        """Create or change one. What is left out stays as it is; a new one needs its ``issuer``.

        Raises :class:`Conflict` with the code ``answers_would_change`` where customers would get another answer, or
        none, or live resources' next credentials would have values of other names, or live customers' next ones would
        be made by other options, and ``accept_changed_answers`` is not given.
        """
        body = {
            "issuer": issuer,
            "options": options,
            "lifetime_seconds": lifetime_seconds,
            "rotation_seconds": rotation_seconds,
            "overlap_seconds": overlap_seconds,
            "stale_seconds": stale_seconds,
            "multiple": multiple,
            "probe": probe,
        }
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(Policy, "PUT", place("policies", policy), body, query=query, headers=headers)
