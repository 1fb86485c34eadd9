"""The drill of `tests/chaos/drill.py` in a small size, and a check that its invariants detect violations."""

import tempfile
from pathlib import Path

import psycopg

from tests.chaos import invariants
from tests.chaos.drill import Options, drill
from tests.chaos.report import report
from tests.chaos.stored_rows import read

SMALL = Options(journeys=24, events=160, kills=1, freezes=0, merges=3, seconds=12, workers=1, seed=1)

#: How many events were retracted, and how many of their retractions came before them.
RETRACTED = """
select count(*) filter (where retracted_by is not null),
       count(*) filter (where type = 'event.retracted' and outcome = 'applied' and reason is not null)
  from journey_events
"""

# Damage that a bug would cause → the invariants that must report it
DAMAGE: dict[str, tuple[str, set[str]]] = {
    "an applied event is lost": (
        """
        delete from journey_events where id = (select min(id) from journey_events
         where outcome = 'applied' and type not in ('event.retracted', 'customers.merged') and retracted_by is null)
        """,
        {invariants.ONCE, invariants.FOLD},
    ),
    "an event comes from nowhere": (
        """
        insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,
                                    outcome, version, rules_version)
        select company_id, customer_id, 'nowhere', '0123456789abcdef', type, occurred_at, payload, outcome, version, 1
          from journey_events
         where outcome = 'applied' and type not in ('event.retracted', 'customers.merged') and retracted_by is null
         order by id desc limit 1
        """,
        {invariants.SENT, invariants.FOLD},
    ),
    "a value is changed": (
        """
        update customer_relationships set lifetime_value = lifetime_value + 1
         where id = (select min(id) from customer_relationships)
        """,
        {invariants.COLUMNS},
    ),
    "a transition is missing": (
        """
        delete from journey_transitions where id = (
            select min(t.id) from journey_transitions t join customer_relationships r on r.id = t.relationship_id
             where not exists (select from customers a where a.merged_into = r.customer_id))
        """,
        {invariants.SEQUENCE, invariants.FOLD},
    ),
    "a commit was written that the workflow does not know": (
        """
        update customer_relationships set version = version + 1, state = jsonb_set(state, '{n}', to_jsonb(version + 1))
         where id = (select max(id) from customer_relationships)
        """,
        {invariants.AGREE},
    ),
}


async def test_every_acknowledged_event_counts_once_whatever_is_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-chaos-") as folder:
        async with drill(Path(folder), SMALL) as done:
            await done.run()
            findings = await done.check(patience=60)
            report(done, findings)  # shown by pytest when it fails
            assert findings == []
            assert all(done.kills[name] == 1 for name in done.parts)
            assert len(done.answers.acknowledged) > 100
            assert done.merges > 0
            with psycopg.connect(done.database_url) as connection:
                retracted, waited = connection.execute(RETRACTED).fetchone() or (0, 0)
            assert (retracted > 3, waited > 0) == (True, True), "hardly anything was retracted"
            for name, (statement, expected) in DAMAGE.items():
                with psycopg.connect(done.database_url) as connection:
                    assert connection.execute(statement.encode()).rowcount == 1
                before, findings = findings, await done.check(patience=0)
                assert {found.invariant for found in findings if found not in before} >= expected, name
            name = min(read(done.database_url).journeys)
            await done.client.get_workflow_handle(name).terminate("must be detected")
            findings = await done.check(patience=0)
            assert (invariants.RUNNING, name) in {found[:2] for found in findings}
