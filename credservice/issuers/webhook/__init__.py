"""Has ``webhook`` credentials made and ended by the vendor's own HTTPS endpoint. See docs/issuers/webhook.md."""

from credservice.issuers.webhook.issuer import WebhookIssuer

__all__ = ["WebhookIssuer"]
