"""Stages carry a role, which analytics goes by instead of the stage key; indexes that fit any key and any threshold.

Existing stages get the role of the default stage with their key, where it suits their kind. Code of the version before
neither reads nor writes the column; it finds its customers at risk through the new indexes, too.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMN = """
alter table customer_journey_stages add column role varchar(20)
    constraint customer_journey_stages_role_check check (role in ('at_risk', 'lost', 'vip'));
"""
# FORCE holds for the owner too, who then sees no rows; the lock keeps everyone else out while it is lifted.
BACKFILL = """
alter table customer_journey_stages no force row level security;
update customer_journey_stages
   set role = case stage_key when 'churned' then 'lost' else stage_key end
 where (stage_key, kind) in (('at_risk', 'lapse'), ('churned', 'lapse'), ('vip', 'growth'));
alter table customer_journey_stages force row level security;
"""
INDEXES = """
create index customer_relationships_by_risk on customer_relationships (company_id, risk_score desc, id);
create index customer_relationships_by_stage_and_risk
    on customer_relationships (company_id, current_stage, risk_score desc, id);
drop index customer_relationships_threatened;
"""


def upgrade() -> None:
    op.execute(COLUMN)
    op.execute(BACKFILL)
    op.execute(INDEXES)


def downgrade() -> None:
    op.execute(
        "create index customer_relationships_threatened on customer_relationships (company_id, risk_score desc, id)"
        " where risk_score > 0.7 or current_stage = 'at_risk'"
    )
    op.execute("drop index customer_relationships_by_stage_and_risk")
    op.execute("drop index customer_relationships_by_risk")
    op.execute("alter table customer_journey_stages drop column role")
