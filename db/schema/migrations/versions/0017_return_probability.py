"""Journeys carry the return probability of the last fit, so that lists can be ordered and filtered by it.

An update that changes only the probability is no change of the journey: the change feed does not report it. Code of the
version before neither reads nor writes the column.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMN = """
alter table customer_relationships add column return_probability numeric(4,3)
    constraint customer_relationships_return_probability_check check (return_probability between 0 and 1);
"""
INDEXES = """
create index customer_relationships_by_stage_and_expected_value on customer_relationships
    (company_id, current_stage, (coalesce(return_probability, 1) * lifetime_value) desc, id);
create index customer_relationships_by_stage_and_return on customer_relationships
    (company_id, current_stage, return_probability, id) where return_probability is not null;
"""
TRIGGER = """
drop trigger updated on customer_relationships;
create trigger updated before update on customer_relationships for each row
    when (new.changed = old.changed{condition}) execute function stamp_change();
"""
UNCHANGED = " and new.return_probability is not distinct from old.return_probability"


def upgrade() -> None:
    op.execute(COLUMN)
    op.execute(INDEXES)
    op.execute(TRIGGER.format(condition=UNCHANGED))


def downgrade() -> None:
    op.execute(TRIGGER.format(condition=""))
    op.execute("alter table customer_relationships drop column return_probability")
