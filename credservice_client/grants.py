"""Grants and withdraws credentials. ``integration_id``: the platform's, or the service's id."""

from collections.abc import Iterator, Mapping

from credservice_client.answers import Grant
from credservice_client.calls import Calls, once, place


class Grants(Calls):
    def list_grants(
        self,
        *,
        platform: str | None = None,
        external_id: str | None = None,
        integration_id: str | None = None,
        line: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Grant]:
        """List the newest first."""
        query = {"platform": platform, "external_id": external_id, "integration_id": integration_id, "line": line}
        return self._list(Grant, "/grants", query, page_size)

    def read_grant(self, grant: str, *, known: Grant | None = None) -> Grant:
        """Read it by the service's id."""
        return self._get_tagged(Grant, place("grants", grant), known)

    def read_end_user_grant(
        self,
        external_id: str,
        integration_id: str,
        *,
        installation: str | None = None,
        platform: str | None = None,
        known: Grant | None = None,
    ) -> Grant:
        path = place("end-users", external_id, "grants", integration_id)
        return self._get_tagged(Grant, path, known, {"installation": installation, "platform": platform})

    def put_end_user_grant(
        self,
        external_id: str,
        integration_id: str,
        *,
        values: Mapping[str, str] | None = None,
        overlap_seconds: int | None = None,
        installation: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Grant:
        """Hand out ``values``, or what the policy's issuer makes. Other values than before rotate: the present ones
        stay good for the overlap. ``credential.state`` is ``pending`` while its issuer cannot be reached."""
        path = place("end-users", external_id, "grants", integration_id)
        body = {"values": values, "overlap_seconds": overlap_seconds}
        query = {"installation": installation, "platform": platform}
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        return self._write(Grant, "PUT", path, body, query=query, headers=headers)

    def withdraw_end_user_grant(
        self,
        external_id: str,
        integration_id: str,
        *,
        reason: str | None = None,
        installation: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Hand it out no more, and end its credentials."""
        path = place("end-users", external_id, "grants", integration_id)
        query = {"installation": installation, "platform": platform, "reason": reason}
        self._call("DELETE", path, query, headers=once(idempotency_key, if_match=if_match))
