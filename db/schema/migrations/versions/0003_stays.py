"""How long each stage was stood in, on the transition that ends the stay; transitions of a company by time."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# FORCE holds for the owner too, who then sees no rows; the lock keeps everyone else away while it is lifted.
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
