"""What is wrong with rows, compared with their states, ledgers and transitions."""

from collections.abc import Sequence
from typing import Any

from db.connections import Pool
from db.journeys import ledger_records
from db.operations.validation import ConsistencyRow
from journey.explain import money_text
from journey.refold import COMPARED_FACTS, LedgerRecord, RecordedMove, different_facts, refold_facts
from journey.stages import Rulebook
from journey.state import SCHEMA_WITH_RHYTHM, unpack
from journey.time import DAY, Micros, utc_text

Problem = tuple[str, str]  # kind, text


async def problems_of_rows(
    pool: Pool, company_id: int, rows: Sequence[ConsistencyRow], rulebook: Rulebook
) -> list[tuple[ConsistencyRow, list[Problem]]]:
    """Read the ledgers and transitions of rows; return each row with its inconsistencies."""
    ledgers = await ledger_records.applied_events(pool, company_id, [row.customer_key for row in rows])
    moves = await ledger_records.recorded_moves(pool, company_id, [row.relationship_id for row in rows])
    return [
        (row, _row_problems(row, ledgers.get(row.customer_key, []), moves.get(row.relationship_id, []), rulebook))
        for row in rows
    ]


def _row_problems(
    row: ConsistencyRow, ledger: Sequence[LedgerRecord], moves: Sequence[RecordedMove], rulebook: Rulebook
) -> list[Problem]:
    """Return each inconsistency of a row."""
    problems: list[Problem] = []
    if row.customer_id is None:
        problems.append(("orphan", f"relationship {row.relationship_id} has no customer"))
    if row.current_stage not in rulebook.by_key:
        allowed = ", ".join(rulebook.by_key)
        problems.append(("invalid stage", f"invalid stage {row.current_stage!r}; allowed: {allowed}"))
    state = unpack(row.state)
    if (state.stage, state.version) != (row.current_stage, row.version):
        says = f"columns say {row.current_stage} at {row.version}, its state {state.stage} at {state.version}"
        problems.append(("state", says))
    if row.customer_id is not None:
        problems += [("ledger", text) for text in _facts(row, ledger)]
        problems += [("ledger", text) for text in _transitions(row, moves, ledger)]
    return problems


def _facts(row: ConsistencyRow, ledger: Sequence[LedgerRecord]) -> list[str]:
    """Compare the columns and the facts of the state with the ledger."""
    state, recorded = unpack(row.state), refold_facts(ledger)
    facts = state.facts
    found: dict[str, tuple[Any, Any]] = {}
    value = money_text(recorded.value)
    if f"{row.lifetime_value:.2f}" != value:
        found["lifetime_value"] = (row.lifetime_value, value)
    if row.total_appointments != recorded.completed:
        found["total_appointments"] = (row.total_appointments, recorded.completed)
    texts = [f"{name} is {of_row}; the ledger says {of_ledger}" for name, (of_row, of_ledger) in found.items()]
    for name, (of_row, of_ledger) in different_facts(facts, ledger, recorded).items():
        if name == COMPARED_FACTS["visit_days"] and state.schema < SCHEMA_WITH_RHYTHM:
            continue  # the next commit reads the ledger
        if name not in found:
            texts.append(f"{name} of its state: {_shown(name, of_row)}; the ledger says {_shown(name, of_ledger)}")
    return texts


def _shown(name: str, value: Any) -> str:
    if isinstance(value, list):
        unit = DAY if name == COMPARED_FACTS["visit_days"] else 1
        return f"{len(value)}" + (f" until {utc_text(Micros(value[-1] * unit))}" if value else "")
    if value is None:
        return "none"
    if name == "lifetime_value":
        return money_text(value)
    return utc_text(value) if name == "last event" else str(value)


def _transitions(row: ConsistencyRow, moves: Sequence[RecordedMove], ledger: Sequence[LedgerRecord]) -> list[str]:
    """Check that the transitions lead to the row's stage without a gap, and that the ledger has their events."""
    last = moves[-1].to_stage if moves else None
    texts = (
        [] if row.current_stage == last else [f"current_stage is {row.current_stage}; the last transition says {last}"]
    )
    expected = range(1, max(unpack(row.state).transition_number, moves[-1].transition_number if moves else 0) + 1)
    if missing := sorted(set(expected) - {move.transition_number for move in moves}):
        texts.append(f"transitions are missing: {', '.join(map(str, missing))} of {len(expected)}")
    events = {record.event.id for record in ledger}
    for move in moves:
        if move.event_id is not None and move.event_id not in events:
            name = f"transition {move.transition_number}"
            texts.append(f"{name} was caused by the event {move.event_id!r}, which the ledger does not have")
    return texts
