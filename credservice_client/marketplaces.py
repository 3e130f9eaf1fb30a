"""Reads and writes marketplaces, their keys, and what they may order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from credservice_client.answers import BrokerPassword, Feature, Marketplace, Plan, Product, TrustedKey
from credservice_client.calls import Calls, Null, moment, once, place


class Marketplaces(Calls):
    def list_marketplaces(self, *, page_size: int | None = None) -> Iterator[Marketplace]:
        return self._list(Marketplace, "/marketplaces", {}, page_size)

    def read_marketplace(self, marketplace: str, *, known: Marketplace | None = None) -> Marketplace:
        """Read it by its name."""
        return self._get_tagged(Marketplace, place("marketplaces", marketplace), known)

    def put_marketplace(
        self,
        marketplace: str,
        *,
        protocol: str | None = None,
        state: str | None = None,
        connector_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        rotates: bool | None = None,
        sign_on_404: str | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Marketplace:
        """Create or change one. What is left out stays as it is."""
        body = {
            "protocol": protocol,
            "state": state,
            "connector_url": connector_url,
            "client_id": client_id,
            "client_secret": client_secret,
            "rotates": rotates,
            "sign_on_404": sign_on_404,
        }
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        return self._write(Marketplace, "PUT", place("marketplaces", marketplace), body, headers=headers)

    def list_trusted_keys(self, marketplace: str, *, page_size: int | None = None) -> Iterator[TrustedKey]:
        return self._list(TrustedKey, place("marketplaces", marketplace, "trusted-keys"), {}, page_size)

    def read_trusted_key(self, marketplace: str, trusted_key: str, *, known: TrustedKey | None = None) -> TrustedKey:
        """Read it by its label."""
        path = place("marketplaces", marketplace, "trusted-keys", trusted_key)
        return self._get_tagged(TrustedKey, path, known)

    def put_trusted_key(
        self,
        marketplace: str,
        trusted_key: str,
        *,
        public_key: str | None = None,
        is_enabled: bool | None = None,
        is_test: bool | None = None,
        ends_at: datetime | Null | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> TrustedKey:
        """Trust a master key, or change or disable it. What is left out stays as it is.

        Raises Conflict with the code ``answers_would_change`` where that ends one by which a request was accepted
        within 24 hours, and ``accept_changed_answers`` is not given.
        """
        end = moment(ends_at) if isinstance(ends_at, datetime) else ends_at
        body = {"public_key": public_key, "is_enabled": is_enabled, "is_test": is_test, "ends_at": end}
        path = place("marketplaces", marketplace, "trusted-keys", trusted_key)
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(TrustedKey, "PUT", path, body, query=query, headers=headers)

    def list_passwords(self, marketplace: str, *, page_size: int | None = None) -> Iterator[BrokerPassword]:
        """List those of a platform of Open Service Broker, the newest first, without their texts."""
        return self._list(BrokerPassword, place("marketplaces", marketplace, "passwords"), {}, page_size)

    def read_password(self, marketplace: str, password: str, *, known: BrokerPassword | None = None) -> BrokerPassword:
        """Read it by its id, without its text."""
        return self._get_tagged(BrokerPassword, place("marketplaces", marketplace, "passwords", password), known)

    def enter_password(
        self,
        marketplace: str,
        password: str,
        *,
        overlap_seconds: int | None = None,
        accept_changed_answers: bool | None = None,
        idempotency_key: str | None = None,
    ) -> BrokerPassword:
        """Make it the current one. The one before stays valid for a day, or as long as you say.

        Raises Conflict with the code ``answers_would_change`` where one ends at once that has let the platform in
        within 24 hours, and ``accept_changed_answers`` is not given.
        """
        body = {"password": password, "overlap_seconds": overlap_seconds}
        path = place("marketplaces", marketplace, "passwords")
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(BrokerPassword, "POST", path, body, query=query, headers=once(idempotency_key))

    def end_password(
        self,
        marketplace: str,
        password: str,
        *,
        accept_changed_answers: bool | None = None,
        idempotency_key: str | None = None,
    ) -> BrokerPassword:
        """End the password with this id now.

        Raises Conflict with the code ``answers_would_change`` where it has let the platform in within 24 hours, and
        ``accept_changed_answers`` is not given.
        """
        path = place("marketplaces", marketplace, "passwords", password, "end")
        query = {"accept_changed_answers": accept_changed_answers}
        return self._write(BrokerPassword, "POST", path, query=query, headers=once(idempotency_key))

    def list_products(self, marketplace: str, *, page_size: int | None = None) -> Iterator[Product]:
        return self._list(Product, place("marketplaces", marketplace, "products"), {}, page_size)

    def read_product(self, marketplace: str, product: str, *, known: Product | None = None) -> Product:
        """Read it by its label."""
        return self._get_tagged(Product, place("marketplaces", marketplace, "products", product), known)

    def put_product(
        self,
        marketplace: str,
        product: str,
        *,
        name: str | None = None,
        state: str | None = None,
        policy: str | None = None,
        regions: Sequence[str] | None = None,
        provisioner: str | None = None,
        slow_credentials: bool | None = None,
        dashboard_url: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        credentials_shape: Mapping[str, Any] | None = None,
        accept_changed_answers: bool | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Product:
        """Create or change one. What is left out stays as it is; a new one needs its ``policy``.

        Raises :class:`Conflict` with the code ``answers_would_change`` where live resources' next credentials would
        have values of other names by another policy, or live bindings another shape, and ``accept_changed_answers`` is
        not given.
        """
        body = {
            "name": name,
            "state": state,
            "policy": policy,
            "regions": regions,
            "provisioner": provisioner,
            "slow_credentials": slow_credentials,
            "dashboard_url": dashboard_url,
            "description": description,
            "tags": tags,
            "metadata": metadata,
            "credentials_shape": credentials_shape,
        }
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        query = {"accept_changed_answers": accept_changed_answers}
        path = place("marketplaces", marketplace, "products", product)
        return self._write(Product, "PUT", path, body, query=query, headers=headers)

    def list_plans(self, marketplace: str, product: str, *, page_size: int | None = None) -> Iterator[Plan]:
        return self._list(Plan, place("marketplaces", marketplace, "products", product, "plans"), {}, page_size)

    def read_plan(self, marketplace: str, product: str, plan: str, *, known: Plan | None = None) -> Plan:
        """Read it by its label."""
        return self._get_tagged(Plan, place("marketplaces", marketplace, "products", product, "plans", plan), known)

    def put_plan(
        self,
        marketplace: str,
        product: str,
        plan: str,
        *,
        name: str | None = None,
        state: str | None = None,
        description: str | None = None,
        is_free: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        maintenance_version: str | None = None,
        changes_to: Sequence[str] | Null | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Create or change one. What is left out stays as it is; ``changes_to=NULL`` is any plan."""
        body = {
            "name": name,
            "state": state,
            "description": description,
            "is_free": is_free,
            "metadata": metadata,
            "maintenance_version": maintenance_version,
            "changes_to": changes_to,
        }
        path = place("marketplaces", marketplace, "products", product, "plans", plan)
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        return self._write(Plan, "PUT", path, body, headers=headers)

    def list_features(self, marketplace: str, product: str, *, page_size: int | None = None) -> Iterator[Feature]:
        return self._list(Feature, place("marketplaces", marketplace, "products", product, "features"), {}, page_size)

    def read_feature(self, marketplace: str, product: str, feature: str, *, known: Feature | None = None) -> Feature:
        """Read it by its label."""
        path = place("marketplaces", marketplace, "products", product, "features", feature)
        return self._get_tagged(Feature, path, known)

    def put_feature(
        self,
        marketplace: str,
        product: str,
        feature: str,
        *,
        name: str | None = None,
        type: str | None = None,
        values: Sequence[str] | None = None,
        minimum: float | Null | None = None,
        maximum: float | Null | None = None,
        is_metered: bool | None = None,
        plans: Sequence[str] | None = None,
        if_match: str | None = None,
        only_new: bool = False,
        idempotency_key: str | None = None,
    ) -> Feature:
        """Create or change one. What is left out stays as it is; a new one needs its ``type``."""
        body = {
            "name": name,
            "type": type,
            "values": values,
            "minimum": minimum,
            "maximum": maximum,
            "is_metered": is_metered,
            "plans": plans,
        }
        path = place("marketplaces", marketplace, "products", product, "features", feature)
        headers = once(idempotency_key, if_match=if_match, only_new=only_new)
        return self._write(Feature, "PUT", path, body, headers=headers)
