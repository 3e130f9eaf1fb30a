"""Reads, approves, refuses and suspends installations."""

from collections.abc import Iterator, Mapping

from credservice_client.answers import Installation
from credservice_client.calls import Calls, once, place


class Installations(Calls):
    def list_installations(
        self,
        *,
        platform: str | None = None,
        state: str | None = None,
        external_id: str | None = None,
        integration_id: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Installation]:
        """List the newest first. ``state="pending"``: those that wait for approval."""
        query = {"platform": platform, "state": state, "external_id": external_id, "integration_id": integration_id}
        return self._list(Installation, "/installations", query, page_size)

    def read_installation(
        self, installation_id: str, *, platform: str | None = None, known: Installation | None = None
    ) -> Installation:
        return self._get_tagged(Installation, place("installations", installation_id), known, {"platform": platform})

    def approve_installation(
        self,
        installation_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Installation:
        headers = once(idempotency_key, if_match=if_match)
        return self._installation(installation_id, "approve", why, platform, headers)

    def refuse_installation(
        self,
        installation_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Installation:
        """Keep out one that waits for approval; approving it later lets it in."""
        headers = once(idempotency_key, if_match=if_match)
        return self._installation(installation_id, "refuse", why, platform, headers)

    def suspend_installation(
        self,
        installation_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Installation:
        headers = once(idempotency_key, if_match=if_match)
        return self._installation(installation_id, "suspend", why, platform, headers)

    def resume_installation(
        self,
        installation_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Installation:
        headers = once(idempotency_key, if_match=if_match)
        return self._installation(installation_id, "resume", why, platform, headers)

    def _installation(
        self, installation_id: str, act: str, why: str | None, platform: str | None, headers: Mapping[str, str]
    ) -> Installation:
        path = place("installations", installation_id, act)
        return self._write(Installation, "POST", path, {"why": why}, query={"platform": platform}, headers=headers)
