"""Forgets, in the worker, the answers that were kept for repeated writes."""

from procrastinate.contrib.django import app

from credservice.vendor_api import idempotency


@app.periodic(cron="*/10 * * * *")
@app.task(name="vendor_api.forget_keys", queueing_lock="vendor_api.forget_keys", pass_context=False)
def forget_keys(timestamp: int) -> None:
    """Forget Idempotency-Keys that are a day old, with the answers kept for them."""
    while idempotency.sweep() == idempotency.SWEEP_BATCH:
        pass
