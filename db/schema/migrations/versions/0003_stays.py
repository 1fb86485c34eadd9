"""The duration of each stay in a stage, on the transition that ends it; an index of transitions by company and time."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# FORCE hides the rows from the owner too, so it is lifted for the update; the lock keeps other sessions out meanwhile.
STAYS = """
alter table journey_transitions add column stay interval;
alter table journey_transitions no force row level security;
update journey_transitions t set stay = s.stay
  from (select id, transitioned_at - lag(transitioned_at) over (partition by relationship_id order by sequence) as stay
          from journey_transitions) s
 where s.id = t.id and s.stay is not null;
alter table journey_transitions force row level security;
create index journey_transitions_of_company on journey_transitions (company_id, transitioned_at)
    include (relationship_id, from_stage, to_stage, stay);
"""


def upgrade() -> None:
    op.execute(STAYS)


def downgrade() -> None:
    op.execute("drop index journey_transitions_of_company")
    op.execute("alter table journey_transitions drop column stay")
