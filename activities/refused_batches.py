"""What to commit instead of messages that passed every check and that Postgres refuses: they must block no journey."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import orjson
import psycopg
from temporalio import activity

from activities.message_batch import MessageBatch, quarantined
from contracts.requests import CommitResult
from journey.events import canonical

REFUSALS = psycopg.DataError, psycopg.IntegrityError


async def commit_reduced(
    batch: MessageBatch, error: psycopg.Error, commit: Callable[[MessageBatch], Awaitable[CommitResult]]
) -> CommitResult:
    """Commit what Postgres accepts of a batch.

    Raises:
        psycopg.Error: The given error, if Postgres accepts nothing at all.
    """
    for reduced in reductions(batch, str(error)):
        with suppress(*REFUSALS):
            result = await commit(reduced)
            activity.logger.error("events quarantined that Postgres refuses", extra={"error": type(error).__name__})
            return result
    raise error


def reductions(batch: MessageBatch, reason: str) -> Iterator[MessageBatch]:
    """Yield what to commit instead of a batch that Postgres refuses: without one event, without any, nothing at all.

    What is left out is quarantined, event by event, and commands are refused, for the given reason.
    """
    refused = [
        quarantined("event", orjson.dumps(canonical(event), option=orjson.OPT_SORT_KEYS).decode(), reason)
        for event in batch.events
    ]
    for n, entry in enumerate(refused):
        rest = batch.events[:n] + batch.events[n + 1 :]
        yield replace(batch, events=rest, quarantined=[*batch.quarantined, entry])
    yield replace(batch, events=[], quarantined=[*batch.quarantined, *refused])
    yield MessageBatch(quarantined=[*batch.quarantined, *refused], commands=[reason for _ in batch.commands])
