"""Gives the jobs of workers that died to those that live."""

import structlog
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="jobs.rescue", queueing_lock="jobs.rescue", pass_context=False)
async def rescue(timestamp: int) -> None:
    """Give the jobs of workers that died to those that live."""
    for job in await app.job_manager.get_stalled_jobs():
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:  # another worker was first, or the next minute's turn will do it
            continue
        log.warning("job_rescued", task=job.task_name, job=job.id)
