"""What the worker does for the console."""

from procrastinate.contrib.django import app

from credservice.console import bulk_run
from credservice.console.models import BulkRun
from credservice.credentials.tasks import NeverGiveUp


@app.task(name="console.bulk", retry=NeverGiveUp())
def bulk(run_id: str) -> None:
    """Go on with a bulk run for a while; the rest is another job's, so that other work has its turn."""
    run = BulkRun.objects.select_related("user").filter(pk=run_id).first()
    if run is not None and not bulk_run.work_through(run, bulk_run.SLICE_SECONDS):
        bulk_run.defer(run)
