"""Goes on with bulk runs in the worker."""

from procrastinate.contrib.django import app

from credservice.adminkit.bulk_runs import defer
from credservice.adminkit.bulk_work import SLICE_SECONDS, work_through
from credservice.adminkit.models import BulkRun
from credservice.core.jobs import NeverGiveUp


@app.task(name="console.bulk", retry=NeverGiveUp())
def bulk(run_id: str) -> None:
    """Go on with a bulk run for a while; the rest is another job's, so that other work has its turn."""
    run = BulkRun.objects.select_related("user").filter(pk=run_id).first()
    if run is not None and not work_through(run, SLICE_SECONDS):
        defer(run)
