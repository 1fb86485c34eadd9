"""What a commit keeps or hands on without deciding: messages that are quarantined, and those of a merged customer."""

from collections.abc import Awaitable, Callable, Sequence

from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from activities.message_batch import MessageBatch
from contracts.event_batches import event_batches
from contracts.journey_client import send_events
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool
from db.journeys import ledger
from db.journeys.ledger import LedgerEntry
from db.journeys.ledger_snapshot import LedgerSnapshot
from journey.events import Event, canonical
from journey.time import utc_text

#: Hand on a batch: (company, the customer who remains, the batch).
HandOn = Callable[[int, str, MessageBatch], Awaitable[None]]


def to_journeys(client: Client) -> HandOn:
    """Return what hands on events by signals; they keep their content, and with it the customer's id that they name."""

    async def send(company_id: int, into: str, batch: MessageBatch) -> None:
        history = batch.history or set()
        groups: tuple[tuple[bool, Sequence[Event]], ...] = (
            (True, [event for event in batch.events if event.id in history]),
            (False, [event for event in batch.events if event.id not in history]),
        )
        for is_history, events in groups:
            for part in event_batches([canonical(event) for event in events]):
                await send_events(client, company_id, into, part, until=batch.until, history=is_history)

    return send


async def hand_on(
    pool: Pool, send: HandOn | None, request: CommitRequest, batch: MessageBatch, known: LedgerSnapshot
) -> CommitResult:
    """Hand on what came for a customer who was merged into another one, and refuse commands.

    An attempt that is repeated hands on again; the ledger counts each event once.

    Raises:
        RPCError: Temporal did not store the events; to be retried.
    """
    into = known.merged_into
    assert into is not None
    if send is None:
        raise ApplicationError("this worker cannot hand on events", type="NotConnected")
    await send(request["company_id"], into, batch)
    await keep_quarantined(pool, request, batch.quarantined, known.rules_version)
    result: CommitResult = {"changes": {}, "merged_into": into}
    if batch.commands:
        result["answers"] = [f"customer {request['customer_id']} was merged into {into}" for _ in batch.commands]
    return result


async def keep_quarantined(
    pool: Pool, request: CommitRequest, entries: list[LedgerEntry], rules_version: int, *, is_recorded: bool = False
) -> None:
    """Keep what cannot be understood, for a customer who has no journey."""
    if entries:
        values = {
            "company": request["company_id"],
            "customer": request["customer_id"],
            "entries": ledger.serialize_entries(entries),
            "version": 0,
            "rules_version": rules_version,
            "received_at": utc_text(request["now"]) if is_recorded else None,
        }
        await ledger.write_quarantined(pool, request["company_id"], values)
