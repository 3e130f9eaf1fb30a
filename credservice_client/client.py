"""Puts the client together: a method for each operation of the API, by its name there."""

import os
from types import TracebackType

import httpx2

from credservice_client.bulk import Bulk
from credservice_client.credentials import Credentials
from credservice_client.end_users import EndUsers
from credservice_client.grants import Grants
from credservice_client.installations import Installations
from credservice_client.keys import Keys
from credservice_client.marketplaces import Marketplaces
from credservice_client.platforms import Platforms
from credservice_client.policies import Policies
from credservice_client.resources import Resources
from credservice_client.transport import Transport
from credservice_client.usage import Usage
from credservice_client.watching import Watching


class Client(
    EndUsers,
    Grants,
    Platforms,
    Policies,
    Marketplaces,
    Installations,
    Credentials,
    Keys,
    Resources,
    Usage,
    Watching,
    Bulk,
):
    """Calls credservice's vendor API with one service token.

    ``url``: the service's address. ``timeout``: seconds for each attempt's connecting, sending and waiting; an import
    has one of its own. ``retry_for``: seconds for all attempts of a call, 0 for one attempt. ``insecure``: allow http
    to another machine. ``http``: your own client, for a proxy or an authority of yours; closing it is yours as well
    then.

    Writes take ``idempotency_key``, your own name for a call, under which it is done once; ``if_match``, the ``etag``
    of the object as you know it; puts take ``only_new``. Where it has changed, or is there already:
    :class:`~credservice_client.PreconditionFailed`.

    Methods raise :class:`~credservice_client.CredserviceError`. Safe for several threads. Neither the token nor a value
    is ever in a log line, a repr or an exception.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 10.0,
        retry_for: float = 30.0,
        insecure: bool = False,
        http: httpx2.Client | None = None,
    ) -> None:
        self._transport = Transport(url, token, timeout=timeout, retry_for=retry_for, insecure=insecure, http=http)
        self._is_ours = http is None

    @classmethod
    def from_environment(cls) -> "Client":
        """Make a client by ``CREDSERVICE_URL`` and ``CREDSERVICE_TOKEN``. Raises ValueError where one is missing."""
        names = ("CREDSERVICE_URL", "CREDSERVICE_TOKEN")
        if missing := [name for name in names if not os.environ.get(name)]:
            raise ValueError(f"Set {' and '.join(missing)} in the environment.")
        return cls(*(os.environ[name] for name in names))

    def close(self) -> None:
        """Close the connections."""
        if self._is_ours:
            self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"
