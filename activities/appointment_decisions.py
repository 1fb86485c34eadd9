"""Decide with the ledger where the state does not hold the appointments that the events are about."""

from contracts.requests import CommitRequest
from db.connections import Pool
from db.journeys.ledger_history import applied_events, knows_appointments
from journey.appointment_book import HistoryNeeded, unheld_ids
from journey.decisions import decide
from journey.engine import Command, Decision, needs_history
from journey.events import Event
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
    return decide(state, events, rulebook, now, commands, history)
