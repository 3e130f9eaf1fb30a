"""Tells the chain's state in a few words, for the console."""

from dataclasses import dataclass

from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit_chain.links import last_seal
from credservice.audit_chain.refusal import standing_refusal
from credservice.audit_chain.sealing import is_behind


@dataclass(frozen=True)
class ChainState:
    """The last batch, the last verification, whether sealing is more than an hour behind, and why it is refused."""

    seal: AuditSeal | None
    verified: AuditEvent | None
    behind: bool
    refused: str

    @property
    def head(self) -> str:
        return bytes(self.seal.head).hex() if self.seal else ""

    @property
    def broken(self) -> str:
        """Return what the last verification found; empty where it held, or where there was none."""
        if self.verified is None or self.verified.outcome == AuditEvent.Outcome.DONE:
            return ""
        return str(self.verified.detail.get("broken", ""))


def chain_state() -> ChainState:
    verified = AuditEvent.objects.filter(action="audit.verified").order_by("-pk").first()
    return ChainState(last_seal(), verified, is_behind(), standing_refusal())


def batch_of(event: AuditEvent) -> AuditSeal | None:
    """Return the batch that a line was sealed in; None before it is."""
    lines = AuditSeal.objects.filter(up_to_id__gte=event.pk, kind=AuditSeal.Kind.LINES)
    return lines.order_by("up_to_id").first()
