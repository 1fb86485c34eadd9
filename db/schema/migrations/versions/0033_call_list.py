"""The call list: the mean amount of each customer's latest visits, and an index with its order.

``mean_amount`` is null until a worker's background loop has computed it, as after each commit that changes a
customer's visits or amounts. Code of the version before neither reads nor writes the column.
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

VALUE_AT_STAKE = """
round(case when usual_interval > 0 and total_appointments > 0
           then coalesce(mean_amount, lifetime_value / total_appointments) * 365 / usual_interval
           else lifetime_value / greatest(1, extract(epoch from decided_at - created_at) / 31557600) end
      * (1 - coalesce(return_probability, 0)), 2)
"""


def upgrade() -> None:
    op.execute("alter table customer_relationships add column mean_amount numeric(18,2)")
    op.execute(
        "create index customer_relationships_by_stage_and_value_at_stake on customer_relationships"
        f" (company_id, current_stage, ({VALUE_AT_STAKE}) desc, id)"
    )
    op.execute(
        "create index customer_relationships_without_mean_amount on customer_relationships (company_id, id)"
        " where mean_amount is null and total_appointments > 0"
    )


def downgrade() -> None:
    op.execute("drop index customer_relationships_without_mean_amount")
    op.execute("drop index customer_relationships_by_stage_and_value_at_stake")
    op.execute("alter table customer_relationships drop column mean_amount")
