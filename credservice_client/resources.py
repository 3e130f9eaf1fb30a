"""Reads and suspends what marketplaces have ordered. Named by the marketplace's id, or the service's."""

from collections.abc import Iterator

from credservice_client.answers import Redeemed, Resource, ResourceCredential
from credservice_client.calls import Calls, once, place


class Resources(Calls):
    def list_resources(
        self,
        *,
        marketplace: str | None = None,
        state: str | None = None,
        product: str | None = None,
        plan: str | None = None,
        resource_id: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[Resource]:
        """List the newest first, deprovisioned ones included."""
        query = {
            "marketplace": marketplace,
            "state": state,
            "product": product,
            "plan": plan,
            "resource_id": resource_id,
        }
        return self._list(Resource, "/resources", query, page_size)

    def read_resource(
        self, resource: str, *, marketplace: str | None = None, known: Resource | None = None
    ) -> Resource:
        return self._get_tagged(Resource, place("resources", resource), known, {"marketplace": marketplace})

    def suspend_resource(
        self,
        resource: str,
        *,
        why: str | None = None,
        marketplace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Resource:
        """Give it no new credentials, and have its keys check as not good."""
        path = place("resources", resource, "suspend")
        headers = once(idempotency_key, if_match=if_match)
        return self._write(Resource, "POST", path, {"why": why}, query={"marketplace": marketplace}, headers=headers)

    def resume_resource(
        self,
        resource: str,
        *,
        why: str | None = None,
        marketplace: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Resource:
        path = place("resources", resource, "resume")
        headers = once(idempotency_key, if_match=if_match)
        return self._write(Resource, "POST", path, {"why": why}, query={"marketplace": marketplace}, headers=headers)

    def list_resource_credentials(
        self,
        *,
        marketplace: str | None = None,
        resource_id: str | None = None,
        credential_id: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[ResourceCredential]:
        query = {"marketplace": marketplace, "resource_id": resource_id, "credential_id": credential_id}
        return self._list(ResourceCredential, "/resource-credentials", query, page_size)

    def read_resource_credential(
        self, credential_id: str, *, marketplace: str | None = None, known: ResourceCredential | None = None
    ) -> ResourceCredential:
        path = place("resource-credentials", credential_id)
        return self._get_tagged(ResourceCredential, path, known, {"marketplace": marketplace})

    def redeem_sign_on(self, token: str, *, audience: str, idempotency_key: str | None = None) -> Redeemed:
        """Use up the token of a user whom a marketplace sends to your dashboard; its address is the ``audience``."""
        body = {"token": token, "audience": audience}
        headers = once(idempotency_key)
        return self._write(Redeemed, "POST", "/sso/redeem", body, headers=headers)
