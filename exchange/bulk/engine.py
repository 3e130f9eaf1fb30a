"""Imports batch after batch of rows, each committed before the next is read.

A repetition finds what is there and goes on: it can be stopped at any moment, also by a kill, and begun again.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from credservice.core.exceptions import ServiceError
from credservice.vendor_api.problems import InvalidFields, refused
from exchange.bulk.batch_writer import write_batch
from exchange.bulk.job import GrantRefused, Job, Problem, Results, problem_of, rounds
from exchange.bulk.ndjson_reader import Entry
from exchange.bulk.process_pool import side_by_side
from exchange.bulk.row_writer import put_row
from exchange.lookups import find_platform
from exchange.models import Platform
from exchange.services.customer_answers import AnswersWouldChange

BATCH_ROWS, BATCH_BYTES = 1_000, 2 * 1024 * 1024
ATTEMPTS = 5
T = TypeVar("T")


@dataclass
class Summary:
    """Counts the outcomes so far. Everything up to ``last_line`` is done; ``size`` is the bytes read for it."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    last_line: int = 0
    stopped: bool = False
    size: int = 0


@dataclass
class Import:
    """Runs one import. ``source`` is what the trail calls the file; ``failed`` is told of each row that was refused."""

    actor: str
    source: str
    failed: Callable[[Entry, Problem], None]
    dry_run: bool = False
    stop_on_error: bool = False
    platform: str | None = None  # of rows that name none
    accept_changed_answers: bool = False  # also leave installations unanswered that ask for an attribute a row drops
    names_installations: bool = True  # to whom it is told which those are
    lanes: int = 1  # more: in so many processes, see exchange.bulk.process_pool

    def run(self, entries: Iterable[Entry]) -> Iterator[Summary]:
        """Import, and yield the same summary after each batch, which is committed then.

        A dry run looks at each batch by itself. With ``stop_on_error`` a batch with a bad row is not written.
        """
        summary = Summary()
        for batch, results in self._done(_batches(entries)):
            bad = [(entry, found) for entry in batch if isinstance(found := results[entry.line], dict)]
            if bad and self.stop_on_error:
                self.failed(*bad[0])
                summary.failed, summary.stopped = 1, True
                yield summary
                return
            for entry, problem in bad:
                self.failed(entry, problem)
            _add(summary, batch, results)
            yield summary

    def _done(self, batches: Iterator[list[Entry]]) -> Iterator[tuple[list[Entry], Results]]:
        # Other connections do not see what a caller's transaction has made; and nothing may be written beyond a stop.
        if self.lanes == 1 or connection.in_atomic_block or self.stop_on_error:
            return ((batch, self._batch(batch)) for batch in batches)
        return side_by_side(self._batch, batches, _keys_of, lanes=self.lanes)

    def _batch(self, batch: list[Entry]) -> Results:
        if self.dry_run or self.stop_on_error:
            return _retried(partial(self._whole, batch))
        return self._work(batch)

    def _whole(self, batch: list[Entry]) -> Results:
        """Do all of the batch in one transaction, which is taken back where nothing is to be written."""
        with transaction.atomic():
            results = self._work(batch)
            transaction.set_rollback(self.dry_run or any(isinstance(result, dict) for result in results.values()))
        return results

    def _work(self, batch: list[Entry]) -> Results:
        results: Results = {entry.line: problem_of(entry.error) for entry in batch if entry.error}
        jobs = list(self._jobs(batch, results))
        for now in rounds(jobs):
            left = now
            for _ in range(2):  # what somebody else was making in this moment is there by the second look
                done, left = _retried(partial(write_batch, left, actor=self.actor, source=self.source))
                results |= done
                if not left:
                    break
            for job in left:
                results |= self._single(job)
        return results

    def _single(self, job: Job) -> Results:
        try:
            accepts = self.accept_changed_answers
            return {job.line: _retried(partial(put_row, job, actor=self.actor, accept_changed_answers=accepts))}
        except AnswersWouldChange as refusal:
            return {job.line: problem_of(AnswersWouldChange(refusal.impact, named=self.names_installations))}
        except (ServiceError, GrantRefused) as error:
            return {job.line: problem_of(error)}

    def _jobs(self, batch: list[Entry], results: Results) -> Iterator[Job]:
        platforms: dict[str | None, Platform | InvalidFields] = {}
        several = Platform.objects.count() > 1
        for entry in batch:
            if entry.row is None:
                continue
            name = entry.row.platform or self.platform
            if name not in platforms:
                platforms[name] = _platform(name)
            platform = platforms[name]
            if isinstance(platform, Platform):
                yield Job(entry.line, entry.row, platform, is_guess=name is None and several)
            else:
                results[entry.line] = problem_of(platform)


def _platform(name: str | None) -> Platform | InvalidFields:
    try:
        return find_platform(name)
    except InvalidFields as error:
        return refused("/platform", error.errors[0].message)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _keys_of(batch: list[Entry]) -> Set[Hashable]:
    """Name the end users of the rows, on whatever platform: which one is looked up by the lane."""
    return {name for entry in batch if entry.row for name in entry.row.names}


def _add(summary: Summary, batch: list[Entry], results: Results) -> None:
    for result in results.values():
        name = "failed" if isinstance(result, dict) else result
        setattr(summary, name, getattr(summary, name) + 1)
    summary.rows += len(batch)
    summary.size += sum(entry.size for entry in batch)
    summary.last_line = batch[-1].line


def _retried(work: Callable[[], T]) -> T:
    """Repeat what PostgreSQL ended for another's sake; within a transaction that is the transaction's to do."""
    attempt = 1
    while True:
        try:
            return work()
        except OperationalError as error:
            deadlock = isinstance(error.__cause__, DeadlockDetected)
            if not deadlock or attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            attempt += 1
