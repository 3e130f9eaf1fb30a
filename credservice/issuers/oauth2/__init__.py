"""Gets ``oauth2`` credentials: access tokens of the vendor's authorization server. See docs/issuers/oauth2.md."""

from credservice.issuers.oauth2.issuer import OAuth2Issuer

__all__ = ["OAuth2Issuer"]
