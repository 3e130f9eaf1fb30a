"""Tells loudly that nothing is sealed, since the chain is not the one that is remembered; and that it was accepted."""

from datetime import timedelta

import structlog
from django.utils import timezone

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.audit_chain.anchors import Anchor, anchor_acceptance
from credservice.audit_chain.links import GENESIS
from credservice.audit_chain.memory import remember

log = structlog.get_logger(__name__)
REFUSED, ACCEPTED = "audit.sealing_refused", "audit.chain_accepted"
REPEATED = timedelta(hours=1)


def tell_refusal(why: str) -> None:
    """Write an error to the log each time, and a line to the trail once an hour: the worker comes back each minute."""
    log.error("audit_sealing_refused", why=why)
    if not AuditEvent.objects.filter(action=REFUSED, at__gt=timezone.now() - REPEATED).exists() or not _standing():
        record(Line(REFUSED, "worker", "refused", "chain_not_remembered", detail={"why": why}))


def standing_refusal() -> str:
    """Say why nothing was sealed, until somebody accepts the chain; empty where nothing was refused since."""
    refused = _standing()
    return str(refused.detail.get("why", "")) if refused else ""


def _standing() -> AuditEvent | None:
    newest = AuditEvent.objects.filter(action__in=(REFUSED, ACCEPTED)).order_by("-pk").first()
    return newest if newest and newest.action == REFUSED else None


def accept_chain(*, head: str, number: int, actor: str, why: str) -> None:
    """Have the chain that ends there be the one to go on from, for this machine: it was verified just before.

    Written to the trail, to the log and to ``AUDIT_ANCHOR_FILE``, whose earlier heads are not compared any more.
    """
    accepted = Anchor(number, head or GENESIS.hex())
    record(Line(ACCEPTED, actor, detail={"why": why, "number": accepted.number, "head": accepted.head}))
    remember(accepted)
    anchor_acceptance(accepted, why)
