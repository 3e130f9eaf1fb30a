"""The trail's work in the worker: seal what has settled, make and drop months."""

import structlog
from procrastinate.contrib.django import app

from credservice.audit.retention import drop_old_months
from credservice.audit.sealing import is_behind, seal_settled

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="audit.seal", queueing_lock="audit.seal", pass_context=False)
def seal(timestamp: int) -> None:
    """``timestamp`` is the period's, which procrastinate passes."""
    if seal_settled() == 0 and is_behind():
        log.warning("audit_sealing_behind")


@app.periodic(cron="23 4 * * *")
@app.task(name="audit.drop_old_months", queueing_lock="audit.drop_old_months", pass_context=False)
def drop_old(timestamp: int) -> None:
    drop_old_months(actor="worker")
