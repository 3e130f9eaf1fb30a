"""``webhook``: the vendor's own HTTPS endpoint makes, checks and revokes it. See docs/issuers/webhook.md."""

from credservice.issuers.webhook.issuer import WebhookIssuer

__all__ = ["WebhookIssuer"]
