"""Makes and revokes credentials: ``base`` says what an issuer is; one file each for those that ship."""

from credservice.issuers.registry import get_issuer, issuer_choices

__all__ = ["get_issuer", "issuer_choices"]
