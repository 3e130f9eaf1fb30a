"""Forgets, in the worker, what the exchange keeps for a while."""

from procrastinate.contrib.django import app

from exchange import refused_calls


@app.periodic(cron="11 * * * *")
@app.task(name="exchange.forget_refused_calls", queueing_lock="exchange.forget_refused_calls", pass_context=False)
def forget_refused_calls(timestamp: int) -> None:
    refused_calls.forget_old()
