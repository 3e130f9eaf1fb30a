"""Runs the outbox and the rotations at the connector in the worker.

Each task may run twice, or be killed, without harm: see :mod:`credservice.core.jobs`.
"""

from uuid import UUID

from procrastinate.contrib.django import app

from credservice.core.jobs import NeverGiveUp
from provisioning.manifold.connector import outbox, rotations


@app.task(name="provisioning.deliver", retry=NeverGiveUp())
def deliver(pk: str) -> None:
    outbox.deliver(UUID(pk))


@app.task(name="provisioning.rotate", retry=NeverGiveUp())
def rotate(pk: str) -> None:
    rotations.send(UUID(pk))
