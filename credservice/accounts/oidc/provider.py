"""Makes allauth's OpenID Connect provider strict: verified tokens, the configured issuer, one identity by its subject.

allauth's own takes an ID token from the token endpoint without its signature, compares no issuer with the settings
and no subject of the user info with the token's.
"""

import hashlib
from typing import Any

from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from requests import JSONDecodeError, RequestException

from credservice.accounts.oidc.config import ProviderConfig, get_provider
from credservice.accounts.oidc.marks import SECOND_FACTOR
from credservice.accounts.oidc.tokens import TokenRefused, verify_id_token
from credservice.accounts.oidc.transport import session

_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ConsoleOAuth2Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Talks with the provider. What goes wrong is an ``OAuth2Error`` with a phrase for the log."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Read the provider's own document, which must name the configured issuer (Discovery 1.0, 4.3)."""
        if not hasattr(self, "_config"):
            provider = self.get_provider()
            found = self._get("its discovery document", provider.server_url)
            if found.get("issuer") != provider.app.settings["server_url"]:
                raise OAuth2Error("its discovery document names another issuer than the settings")
            if not all(isinstance(found.get(name), str) for name in _NEEDED):
                raise OAuth2Error(f"its discovery document lacks one of {', '.join(_NEEDED)}")
            self._config = found
        return self._config

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        config = self.openid_config
        try:
            claims = verify_id_token(
                kwargs["response"].get("id_token"),
                keys=self._get("its keys", config["jwks_uri"]),
                issuer=config["issuer"],
                client_id=app.client_id,
            )
        except TokenRefused as error:
            raise OAuth2Error(str(error)) from None
        info = self._user_info(token.token)
        if info and info.get("sub") != claims["sub"]:  # Core, 5.3.2
            raise OAuth2Error("its user info is another user's than its ID token")
        login = self.get_provider().sociallogin_from_response(request, info | claims)
        login.proven = claims  # user info may say what its users write into their profiles
        # Kept with the account, anew at each sign-in, for who looks at its page. A session has a mark of its own.
        shown = get_provider(self.provider_id).counts_as_second_factor(claims)
        login.account.extra_data[SECOND_FACTOR] = shown
        return login

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Name the console's own address, not what a request's Host says."""
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.CONSOLE_URL}{path}"

    def _user_info(self, access_token: str) -> dict[str, Any]:
        address = self.openid_config.get("userinfo_endpoint")
        headers = {"Authorization": f"Bearer {access_token}"}
        return self._get("its user info", address, headers) if address else {}

    def _get(self, what: str, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            with session() as own:
                answer = own.get(url, headers=headers)
            found = answer.json() if answer.ok else None
        except JSONDecodeError:
            found = None
        except RequestException as error:
            raise OAuth2Error(f"{what}: {error}") from None
        if not isinstance(found, dict):
            raise OAuth2Error(f"{what}: the answer ({answer.status_code}) is no JSON object")
        return found


class ConsoleProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = ConsoleOAuth2Adapter
    pkce_enabled_default = True

    @property
    def server_url(self) -> str:
        """Find the discovery document (Discovery 1.0, 4.1)."""
        return f"{self.app.settings['server_url'].rstrip('/')}/.well-known/openid-configuration"

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> SocialLogin:
        login = super().sociallogin_from_response(request, response)
        login.claims = response
        return login

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Name the identity by issuer and subject: an alias that is given another issuer finds nobody's account."""
        issuer = self.app.settings["server_url"]
        return hashlib.sha256(f"{issuer}\n{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"issuer": self.app.settings["server_url"], "subject": data["sub"]}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Give allauth nothing, above all no e-mail address, by which it might find an account."""
        return {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []

    def serialize(self) -> dict[str, Any]:
        """Name it by its alias, between the first and the second step: two providers may share a client id."""
        return {"id": self.app.provider_id}


def app_of(config: ProviderConfig) -> SocialApp:
    """Make what allauth calls an app; it is never saved."""
    return SocialApp(
        provider=ConsoleProvider.id,
        provider_id=config.alias,
        name=config.name,
        client_id=config.client_id,
        secret=config.client_secret,
        settings={"server_url": config.issuer, "scope": list(config.scopes)},
    )
