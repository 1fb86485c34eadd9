"""Decide with the ledger where the state is not enough: old appointments, and retractions."""

from contracts.requests import CommitRequest
from db.connections import Pool
from db.journeys.ledger_history import applied_events, knows_appointments, recorded_stages_set
from journey.appointment_book import HistoryNeeded, unheld_ids
from journey.decisions import decide
from journey.engine import Command, Decision, needs_history
from journey.events import Event, EventRetracted
from journey.refold import ManualMove, manual_moves
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros


async def decide_with_ledger(
    pool: Pool,
    request: CommitRequest,
    state: State,
    events: list[Event],
    rulebook: Rulebook,
    now: Micros,
    commands: list[Command],
) -> Decision:
    """Decide one commit; read the journey's whole ledger if its facts have to be computed anew.

    Args:
        pool: The application's pool.
        request: The activity's argument.
        state: The workflow's state.
        events: The new events.
        rulebook: The company's rules.
        now: The time of the decision.
        commands: Commands to the journey.
    """
    company_id, customer_id = request["company_id"], request["customer_id"]
    new_ids = [event.id for event in events]
    unheld = unheld_ids(state.facts, events)
    is_needed = needs_history(state)
    if unheld and not is_needed:
        is_needed = await knows_appointments(pool, company_id, customer_id, unheld, new_ids)
    if not is_needed:
        try:
            return decide(state, events, rulebook, now, commands)
        except HistoryNeeded:
            pass
    history = await applied_events(pool, company_id, customer_id, new_ids)
    manual: list[ManualMove] = []
    if any(type(event) is EventRetracted for event in events):
        stages_set = await recorded_stages_set(pool, company_id, customer_id, state.version)
        manual = manual_moves(stages_set, state)
    return decide(state, events, rulebook, now, commands, history, manual)
