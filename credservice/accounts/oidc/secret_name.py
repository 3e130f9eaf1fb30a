"""Names the variable of a provider's client secret. Needs no settings, which read it."""


def aliases_of(providers: object) -> list[str]:
    """List the aliases of OIDC_PROVIDERS; none of what is no object, which a check refuses."""
    return list(providers) if isinstance(providers, dict) else []


def secret_name(alias: str) -> str:
    """Name it: ``my-idp`` has ``OIDC_MY_IDP_CLIENT_SECRET``."""
    return f"OIDC_{alias.upper().replace('-', '_')}_CLIENT_SECRET"
