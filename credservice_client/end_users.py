"""Manages your customers. ``external_id``: your own id of one, or the service's."""

from collections.abc import Iterator, Mapping
from typing import Any

from credservice_client.answers import BrowserToken, EndUser
from credservice_client.calls import Calls, once, place


class EndUsers(Calls):
    def list_end_users(
        self,
        *,
        platform: str | None = None,
        external_id: str | None = None,
        end_user_id: str | None = None,
        name: str | None = None,
        state: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[EndUser]:
        """List the newest first. ``name``: how it begins. ``state``: active or suspended."""
        query = {
            "platform": platform,
            "external_id": external_id,
            "end_user_id": end_user_id,
            "name": name,
            "state": state,
        }
        return self._list(EndUser, "/end-users", query, page_size)

    def read_end_user(self, external_id: str, *, platform: str | None = None, known: EndUser | None = None) -> EndUser:
        return self._get_tagged(EndUser, place("end-users", external_id), known, {"platform": platform})

    def put_end_user(
        self,
        external_id: str,
        *,
        end_user_id: str | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        platform: str | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> EndUser:
        """Register or change one. An argument that is left out stays as it is; a new one needs its ``end_user_id``.

        ``attributes`` are sent whole: one that is left out of them is gone. Raises :class:`Conflict` with the code
        ``answers_would_change`` where installations that are answered today would get no answer without it, and
        ``accept_changed_answers`` is not given.
        """
        body = {"end_user_id": end_user_id, "name": name, "attributes": attributes}
        path = place("end-users", external_id)
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"platform": platform, "accept_changed_answers": accept_changed_answers}
        return self._write(EndUser, "PUT", path, body, query=query, headers=headers)

    def suspend_end_user(
        self,
        external_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> EndUser:
        """Refuse its exchanges from now on."""
        path = place("end-users", external_id, "suspend")
        headers = once(idempotency_key, if_match=if_match)
        return self._write(EndUser, "POST", path, {"why": why}, query={"platform": platform}, headers=headers)

    def resume_end_user(
        self,
        external_id: str,
        *,
        why: str | None = None,
        platform: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> EndUser:
        path = place("end-users", external_id, "resume")
        headers = once(idempotency_key, if_match=if_match)
        return self._write(EndUser, "POST", path, {"why": why}, query={"platform": platform}, headers=headers)

    def mint_mindcloud_token(
        self, external_id: str, *, name: str | None = None, email: str | None = None, platform: str | None = None
    ) -> BrowserToken:
        """Mint a token for MindCloud's SDK in the customer's browser. Each call mints another.

        A customer who is not registered yet is created at MindCloud first, where the token has ``end-users:write`` too.
        """
        path = place("end-users", external_id, "mindcloud-token")
        return self._ask(BrowserToken, path, {"name": name, "email": email}, {"platform": platform})
