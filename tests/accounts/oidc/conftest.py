"""The console with one provider, and a person who signs in there."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.support.console import _plain_static_files, _quick_passwords, admin  # noqa: F401 - fixtures
from tests.support.oidc import ALIAS, SECRET, Person, Provider, running

OURS = "http://console.test"
SIGN_IN = f"/admin/account/provider/{ALIAS}/sign-in/"


@pytest.fixture(scope="session")
def started() -> Iterator[Provider]:
    with running(f"{OURS}/admin/account/provider/{ALIAS}/callback/") as provider:
        yield provider


@pytest.fixture
def provider(started: Provider, settings: Any, db: None) -> Provider:
    started.tell("ann")
    settings.CONSOLE_URL, settings.ALLOWED_HOSTS = OURS, ["*"]
    settings.OIDC_PROVIDERS, settings.OIDC_CLIENT_SECRETS = started.settings(), {ALIAS: SECRET}
    return started


class Browser(Client):
    """A browser that goes to the provider and comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.person = Person()

    def through(self, address: str = SIGN_IN, account: str = "ann", **options: Any) -> Any:
        """Go to the provider by a page of ours: what we answer to its answer."""
        return self.come_back(self.get(address)["Location"], account)

    def come_back(self, url: str, account: str = "ann") -> Any:
        back = urlsplit(self.person.answer(url, account, OURS))
        return self.get(f"{back.path}?{back.query}")

    def page(self, response: Any) -> str:
        """The page that an answer leads to, as text."""
        return str(self.get(response["Location"], follow=True).content.decode())


@pytest.fixture
def browser() -> Browser:
    return Browser()
