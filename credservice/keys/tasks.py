"""Reminds of keys and secrets that a person should see to, in the worker."""

import structlog
from procrastinate.contrib.django import app

from credservice.keys.reminders import reminders

log = structlog.get_logger(__name__)


@app.periodic(cron="17 6 * * *")
@app.task(name="keys.remind", queueing_lock="keys.remind", pass_context=False)
def remind(timestamp: int) -> None:
    """Once a day, say which keys and secrets a person should see to: in the log, and in the trail."""
    for reminder in reminders():
        log.warning("key_needs_attention", kind=reminder.kind, key=reminder.key_id, why=reminder.sentence)
        reminder.record(actor="worker")
