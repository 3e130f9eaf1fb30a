"""Gives the jobs of workers that died, or did not know the task, to those that live."""

from itertools import chain

import structlog
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from credservice.core.jobs import NeverGiveUp

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.rescue", queueing_lock="jobs.rescue", pass_context=False)
async def rescue(timestamp: int) -> None:
    """Give the jobs of workers that died to those that live; so too what an older release's worker did not know, beside
    which this one runs during an upgrade: nothing else makes a task fail that never gives up."""
    found = [await app.job_manager.get_stalled_jobs()]
    for name, task in app.tasks.items():
        if isinstance(task.retry_strategy, NeverGiveUp):  # of the others, many may have failed
            found.append(await app.job_manager.list_jobs_async(task=name, status="failed"))
    for job in chain.from_iterable(found):
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:  # another worker was first, or the next minute's turn will do it
            continue
        log.warning("job_rescued", task=job.task_name, job=job.id)
