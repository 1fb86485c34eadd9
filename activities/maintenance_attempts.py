"""Attempts of maintenance activities: heartbeats that carry progress, and few attempts for the fault of one company."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError

HEARTBEAT_INTERVAL = 3.0  # seconds
MAX_ATTEMPTS = 3  # of an activity that fails although Postgres answers


class Progress:
    """Progress of an activity, kept in its heartbeats for the attempt after a worker's death; None at first."""

    def __init__(self) -> None:
        self.done: Any = next(iter(activity.info().heartbeat_details), None)

    def save(self, done: Any) -> None:
        """Replace the progress and send it at once."""
        self.done = done
        activity.heartbeat(done)

    async def keep_sending(self) -> None:
        while True:
            activity.heartbeat(*([] if self.done is None else [self.done]))
            await asyncio.sleep(HEARTBEAT_INTERVAL)


@asynccontextmanager
async def maintenance_attempt() -> AsyncGenerator[Progress]:
    """Send heartbeats during an activity, and make a failure final after three attempts.

    An outage of Postgres is left to the retry policy, which outlasts it. Any other failure concerns one company, and
    must not delay the others for as long.

    Raises:
        ApplicationError: The failure is final; ``NoSuchCompany`` for a LookupError.
    """
    progress = Progress()
    heartbeats = asyncio.create_task(progress.keep_sending())
    try:
        yield progress
    except (psycopg.OperationalError, ApplicationError):
        raise
    except LookupError as error:
        raise ApplicationError(str(error), type="NoSuchCompany", non_retryable=True) from error
    except Exception as error:
        if activity.info().attempt < MAX_ATTEMPTS:
            raise
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
    finally:
        heartbeats.cancel()
