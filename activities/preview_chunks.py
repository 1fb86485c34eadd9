"""Compute one chunk of a preview of changed rules, in a process of its own that reads the ledger by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from db.connections import open_pool, tenant_transaction
from db.journeys import preview_chunks, rule_previews
from db.journeys.preview_chunks import StoredJourney
from db.journeys.preview_rulebooks import Rulebooks, rulebooks_of
from db.journeys.rulebooks import RulebookCache
from db.outreach import outreach_settings
from journey.events import AnyEvent, Event
from journey.outreach import Step, outreach_from
from journey.preview_totals import Totals
from journey.rules_preview import Pasts, RolledOut, differs, messages, rolled_out, with_medians
from journey.state import unpack
from journey.time import utc_text

_events = msgspec.json.Decoder(list[AnyEvent])


class ChunkWork(NamedTuple):
    """The journeys of a preview after one relationship, until another."""

    database_url: str
    company_id: int
    preview_id: int
    chunk: int
    after: int
    until: int


def preview_chunk(work: ChunkWork) -> bool:
    """Compute and save one chunk; return False if the preview was deleted.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
        psycopg.errors.ForeignKeyViolation: The preview is deleted meanwhile.
    """
    return asyncio.run(_preview(work))


async def _preview(work: ChunkWork) -> bool:
    company_id, preview_id = work.company_id, work.preview_id
    pool = await open_pool(work.database_url, min_size=1, max_size=1)
    try:
        async with tenant_transaction(pool, company_id) as connection:
            preview = await rule_previews.find(connection, company_id, preview_id)
            if preview is None:
                return False
            books = await rulebooks_of(connection, RulebookCache(), company_id, preview)
            settings = await outreach_settings.load(connection, company_id)
            records = preview.median_records()
            past = books._replace(old=with_medians(books.old, records), new=with_medians(books.new, records))
            chunk = _Chunk(books, past, outreach_from(settings and settings[1]).campaign)
            async for journeys in preview_chunks.journeys(connection, company_id, work.after, work.until):
                for journey in journeys:
                    chunk.add(journey)
            bounds = (work.after, work.until)
            await preview_chunks.replace_customers(connection, company_id, preview_id, *bounds, chunk.rows)
            totals = chunk.totals
            await rule_previews.save_chunk(
                connection, company_id, preview_id, work.chunk, totals.looked, totals.as_json()
            )
    finally:
        await pool.close()
    return True


class _Chunk:
    """The sums of the journeys so far, and the rows of those that the change concerns."""

    def __init__(self, books: Rulebooks, past: Rulebooks, campaign: Sequence[Step]) -> None:
        self._books, self._campaign = books, campaign
        self._pasts = Pasts(past.old, past.new, past.as_of, past.since)
        self.totals = Totals()
        self.rows: list[dict[str, Any]] = []

    def add(self, journey: StoredJourney) -> None:
        books = self._books
        events: list[Event] = [] if journey.events is None else _events.decode(journey.events)
        state = unpack(orjson.loads(journey.state))
        outcome = rolled_out(state, books.old, books.new, books.as_of, events, in_full=False)
        sent = 0 if outcome is None else messages(outcome.actions, self._campaign)
        until = [event for event in events if event.at <= books.as_of]
        old, new = self._pasts.of(until)
        is_different = differs(old, new)
        self.totals.events += len(events)
        self.totals.add(outcome, sent, old, new, is_different=is_different)
        is_moved = outcome is not None and outcome.before != outcome.after
        if journey.customer_key is None or not (is_moved or is_different):
            return
        self.rows.append(
            {
                "relationship_id": journey.relationship_id,
                "customer_id": journey.customer_key,
                "version": journey.version,
                **_outcome_columns(outcome),
                "messages": sent,
                "is_different": is_different,
                "past_old": old.path if is_different else [],
                "past_new": new.path if is_different else [],
            }
        )


def _outcome_columns(outcome: RolledOut | None) -> dict[str, Any]:
    if outcome is None:
        return {"actions": []}
    return {
        "from_stage": outcome.before,
        "to_stage": outcome.after,
        "actions": outcome.actions,
        "next_deadline": None if outcome.deadline is None else utc_text(outcome.deadline),
        "next_stage": outcome.deadline_stage,
    }
