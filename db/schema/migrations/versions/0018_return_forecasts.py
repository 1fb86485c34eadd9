"""Return models carry more than BG/NBD: a correction of it, and how well each method predicted later visits.

Code of the version before reads the parameters of BG/NBD, which stay in their column.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table return_models add column forecast jsonb, add column comparison jsonb")


def downgrade() -> None:
    op.execute("alter table return_models drop column forecast, drop column comparison")
