"""An index of failed and held-back actions by kind, for the list and the counts of problems.

It is partial: actions that are done, which are almost all, cost nothing. Code of the version before does not need it.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index journey_actions_problems on journey_actions (company_id, status, action, id)"
        " where status in ('failed', 'waiting', 'suppressed')"
        " or status = 'pending' and attempts > 0 and last_error is not null"
    )


def downgrade() -> None:
    op.execute("drop index journey_actions_problems")
