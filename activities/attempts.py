"""How maintenance activities are attempted: heartbeats with progress, and few attempts for a fault of one company."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from temporalio import activity
from temporalio.exceptions import ApplicationError

BEAT = 3.0  # seconds between two signs of life
TRIES = 3  # of what fails though Postgres answers


class Progress:
    """What an activity got done, kept by its signs of life for the try after a worker's death; None at first."""

    def __init__(self) -> None:
        self.done: Any = next(iter(activity.info().heartbeat_details), None)

    def reached(self, done: Any) -> None:
        self.done = done
        activity.heartbeat(done)

    async def beat(self) -> None:
        while True:
            activity.heartbeat(*([] if self.done is None else [self.done]))
            await asyncio.sleep(BEAT)


@asynccontextmanager
async def trying() -> AsyncGenerator[Progress]:
    """Around an activity: signs of life; and what fails although Postgres answers is given up after three tries.

    Postgres' absence is outlasted by the retry policy; a fault of one company must not hold up the others for as long.
    """
    progress = Progress()
    beating = asyncio.create_task(progress.beat())
    try:
        yield progress
    except (psycopg.OperationalError, ApplicationError):
        raise
    except LookupError as error:  # there is no such company
        raise ApplicationError(str(error), type="NoSuchCompany", non_retryable=True) from error
    except Exception as error:
        if activity.info().attempt < TRIES:
            raise
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
    finally:
        beating.cancel()
