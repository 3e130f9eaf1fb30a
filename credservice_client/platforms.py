"""Reads and writes platforms, their signing secrets and their integrations."""

from collections.abc import Iterator, Mapping, Sequence

from credservice_client.answers import Integration, Platform, SigningSecret
from credservice_client.calls import Calls, Null, once, place


class Platforms(Calls):
    def list_platforms(self, *, page_size: int | None = None) -> Iterator[Platform]:
        return self._list(Platform, "/platforms", {}, page_size)

    def read_platform(self, platform: str, *, known: Platform | None = None) -> Platform:
        """Read it by its name."""
        return self._get_tagged(Platform, place("platforms", platform), known)

    def put_platform(
        self,
        platform: str,
        *,
        is_default: bool | None = None,
        state: str | None = None,
        require_signature: bool | None = None,
        source_networks: Sequence[str] | None = None,
        construction: str | None = None,
        timestamp_header: str | None = None,
        signed_path: str | None = None,
        public_prefix: str | None = None,
        lower_case_method: bool | None = None,
        tolerance_seconds: int | None = None,
        single_use_signatures: bool | None = None,
        ids_from_query: bool | None = None,
        approve_installations: bool | None = None,
        requests_per_minute: int | Null | None = None,
        api_url: str | None = None,
        api_key: str | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Platform:
        """Create or change one. What is left out stays as it is.

        Raises Conflict with the code ``answers_would_change`` where calls that hold now may be refused by another
        signature profile or limit, or since the platform is the default one no more, and
        ``accept_changed_answers`` is not given.
        """
        body = {
            "is_default": is_default,
            "state": state,
            "require_signature": require_signature,
            "source_networks": source_networks,
            "construction": construction,
            "timestamp_header": timestamp_header,
            "signed_path": signed_path,
            "public_prefix": public_prefix,
            "lower_case_method": lower_case_method,
            "tolerance_seconds": tolerance_seconds,
            "single_use_signatures": single_use_signatures,
            "ids_from_query": ids_from_query,
            "approve_installations": approve_installations,
            "requests_per_minute": requests_per_minute,
            "api_url": api_url,
            "api_key": api_key,
        }
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(Platform, "PUT", place("platforms", platform), body, query=query, headers=headers)

    def list_signing_secrets(self, platform: str, *, page_size: int | None = None) -> Iterator[SigningSecret]:
        """List the newest first, without their texts."""
        return self._list(SigningSecret, place("platforms", platform, "signing-secrets"), {}, page_size)

    def read_signing_secret(
        self, platform: str, signing_secret: str, *, known: SigningSecret | None = None
    ) -> SigningSecret:
        """Read it by its id, without its text."""
        path = place("platforms", platform, "signing-secrets", signing_secret)
        return self._get_tagged(SigningSecret, path, known)

    def enter_signing_secret(
        self,
        platform: str,
        secret: str,
        *,
        overlap_seconds: int | None = None,
        accept_changed_answers: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SigningSecret:
        """Make it the current one. The one before stays valid for a day, or as long as you say.

        Raises Conflict with the code ``answers_would_change`` where ``overlap_seconds`` is 0, one that ends so has
        verified a call, and ``accept_changed_answers`` is not given.
        """
        body = {"secret": secret, "overlap_seconds": overlap_seconds}
        path = place("platforms", platform, "signing-secrets")
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(SigningSecret, "POST", path, body, query=query, headers=once(idempotency_key))

    def retire_signing_secret(
        self,
        platform: str,
        signing_secret: str,
        *,
        accept_changed_answers: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SigningSecret:
        """End a previous one now.

        Raises Conflict with the code ``answers_would_change`` where calls may be signed with it still, and
        ``accept_changed_answers`` is not given.
        """
        path = place("platforms", platform, "signing-secrets", signing_secret, "retire")
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(SigningSecret, "POST", path, query=query, headers=once(idempotency_key))

    def list_integrations(
        self, *, platform: str | None = None, policy: str | None = None, page_size: int | None = None
    ) -> Iterator[Integration]:
        return self._list(Integration, "/integrations", {"platform": platform, "policy": policy}, page_size)

    def read_integration(
        self, integration_id: str, *, platform: str | None = None, known: Integration | None = None
    ) -> Integration:
        return self._get_tagged(Integration, place("integrations", integration_id), known, {"platform": platform})

    def put_integration(
        self,
        integration_id: str,
        *,
        name: str | None = None,
        state: str | None = None,
        policy: str | None = None,
        response_shape: Mapping[str, str] | None = None,
        platform: str | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Integration:
        """Create or change one. What is left out stays as it is; a new one needs ``policy`` and ``response_shape``.

        Raises :class:`Conflict` with the code ``answers_would_change`` where customers would get another answer, or
        none, and ``accept_changed_answers`` is not given.
        """
        body = {"name": name, "state": state, "policy": policy, "response_shape": response_shape}
        path = place("integrations", integration_id)
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"platform": platform, "accept_changed_answers": accept_changed_answers}
        return self._write(Integration, "PUT", path, body, query=query, headers=headers)
