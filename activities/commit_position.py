"""How a journey's row relates to a commit of its workflow: written by an earlier attempt, or something else."""

from typing import Literal

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.commit_parameters import continues
from activities.message_batch import MessageBatch
from contracts.requests import CommitRequest
from db.connections import Pool
from db.journeys import ledger
from db.journeys.ledger_snapshot import LedgerSnapshot
from journey.events import canonical, content_hash

#: After so many attempts a worker thought dead is gone; a row that still looks newer means that a clock was set back.
STALE_ATTEMPTS = 3

#: The row is where the workflow expects it, was written by an earlier attempt of the same commit, is older than the
#: workflow or missing, or is neither.
Position = Literal["expected", "written", "behind", "diverged"]


async def position_of(
    pool: Pool, request: CommitRequest, batch: MessageBatch, known: LedgerSnapshot, version: int
) -> Position:
    """Return how the row relates to the workflow's commit.

    Args:
        pool: The application's pool.
        request: The commit's request.
        batch: Its parsed messages.
        known: What Postgres has.
        version: The workflow's version.

    Raises:
        ApplicationError: ``Stale``, if a later attempt of this commit has written already.
    """
    row = known.row
    if (0 if row is None else row.version) < version:
        return "behind"
    if row is None:
        return "expected"
    if row.run_id != request["run_id"]:
        return "diverged"
    if row.version == version:
        return "expected"
    if row.version > version + 1:
        return "diverged"
    assert row.decided_at is not None
    if row.decided_at == request["now"]:
        return "written"
    if row.decided_at > request["now"] and activity.info().attempt <= STALE_ATTEMPTS:
        raise ApplicationError("a later attempt of this commit has written", type="Stale")
    if (is_same := continues(request["messages"], row.version, row.batch)) is not None:
        return "written" if is_same else "diverged"
    assert known.customer_key is not None
    written = await ledger.events_of_commit(pool, request["company_id"], known.customer_key, row.version)
    keys = {(event.id, content_hash(canonical(event))) for event in batch.events}
    keys |= {(entry.event_id, entry.content_hash) for entry in batch.quarantined}
    return "written" if all(key in keys for key in written) else "diverged"
