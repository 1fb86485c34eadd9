"""Make a journey anew from its ledger, within a commit."""

from contracts.requests import CommitRequest
from db.connections import Pool
from db.journeys import ledger_records
from db.operations import maintenance
from journey.rebuild import Rebuilt, rebuild
from journey.stages import Rulebook
from journey.state import State


async def rebuilt_journey(
    pool: Pool,
    request: CommitRequest,
    customer_key: int | None,
    state: State,
    rulebook: Rulebook,
    *,
    except_version: int | None,
) -> Rebuilt:
    """Read the ledger and the transitions on record, and make the journey's state anew from them.

    Args:
        pool: The application's pool.
        request: The commit's request.
        customer_key: ``customers.id``; None for a new customer.
        state: The workflow's state.
        rulebook: The company's rules.
        except_version: Version of an earlier attempt of this commit, whose rows will be replaced.
    """
    company_id, customer_id = request["company_id"], request["customer_id"]
    if customer_key is None:
        return Rebuilt(state, [])
    ledger = await ledger_records.applied_events(pool, company_id, [customer_key], except_version=except_version)
    keys = await maintenance.journey_keys(pool, company_id, customers=[customer_id])
    relationships = [key.relationship_id for key in keys]
    moves = await ledger_records.recorded_moves(pool, company_id, relationships, except_version=except_version)
    return rebuild(
        ledger.get(customer_key, []),
        moves.get(relationships[0], []) if relationships else [],
        state if state.stage is not None else None,
        rulebook,
        request["now"],
    )
