"""Seals what has settled of the audit log, and drops its old months, in the worker."""

import structlog
from procrastinate.contrib.django import app

from credservice.audit_chain.links import Broken
from credservice.audit_chain.refusal import tell_refusal
from credservice.audit_chain.retention import drop_old_months
from credservice.audit_chain.sealing import is_behind, seal_settled

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="audit.seal", queueing_lock="audit.seal", pass_context=False)
def seal(timestamp: int) -> None:
    """Seal what has settled. ``timestamp`` is the period's, which procrastinate passes."""
    try:
        sealed = seal_settled()
    except Broken as error:
        tell_refusal(str(error))
        return
    if sealed == 0 and is_behind():
        log.warning("audit_sealing_behind")


@app.periodic(cron="23 4 * * *")
@app.task(name="audit.drop_old_months", queueing_lock="audit.drop_old_months", pass_context=False)
def drop_old(timestamp: int) -> None:
    drop_old_months(actor="worker")
