"""Makes the partitions of the audit log for the coming months, in the worker."""

from procrastinate.contrib.django import app

from credservice.audit.partitions import make_partitions


@app.periodic(cron="41 5 * * *")
@app.task(name="audit.make_partitions", queueing_lock="audit.make_partitions", pass_context=False)
def make_audit_partitions(timestamp: int) -> None:
    make_partitions()
