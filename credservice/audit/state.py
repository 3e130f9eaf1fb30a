"""The chain's state in a few words, for the console."""

from dataclasses import dataclass

from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit.sealing import is_behind, last_seal


@dataclass(frozen=True)
class ChainState:
    """The last batch, the last verification, and whether sealing is more than an hour behind."""

    seal: AuditSeal | None
    verified: AuditEvent | None
    behind: bool

    @property
    def head(self) -> str:
        return bytes(self.seal.head).hex() if self.seal else ""

    @property
    def broken(self) -> str:
        """What the last verification found; empty where it held, or where there was none."""
        if self.verified is None or self.verified.outcome == AuditEvent.Outcome.DONE:
            return ""
        return str(self.verified.detail.get("broken", ""))


def chain_state() -> ChainState:
    verified = AuditEvent.objects.filter(action="audit.verified").order_by("-pk").first()
    return ChainState(last_seal(), verified, is_behind())


def batch_of(event: AuditEvent) -> AuditSeal | None:
    """The batch that a line was sealed in; None before it is."""
    lines = AuditSeal.objects.filter(up_to_id__gte=event.pk, kind=AuditSeal.Kind.LINES)
    return lines.order_by("up_to_id").first()
