"""Checks presented keys, reports leaked strings, and lists the keys that the service signs with."""

from collections.abc import Iterator

from credservice_client.answers import Introspection, LeakedCredentials, SigningKey
from credservice_client.calls import Calls, place


class Keys(Calls):
    def introspect(self, token: str, *, token_type_hint: str | None = None) -> Introspection:
        """Ask if this key is good, and whose it is (RFC 7662)."""
        return self._ask(Introspection, "/introspect", {"token": token, "token_type_hint": token_type_hint})

    def report_leak(self, text: str) -> LeakedCredentials:
        """Find the credentials that a string, such as a log line, holds values of. It is stored nowhere."""
        return self._ask(LeakedCredentials, "/leaks", {"text": text})

    def list_signing_keys(
        self, *, state: str | None = None, algorithm: str | None = None, page_size: int | None = None
    ) -> Iterator[SigningKey]:
        return self._list(SigningKey, "/signing-keys", {"state": state, "algorithm": algorithm}, page_size)

    def read_signing_key(self, kid: str, *, known: SigningKey | None = None) -> SigningKey:
        return self._get_tagged(SigningKey, place("signing-keys", kid), known)
