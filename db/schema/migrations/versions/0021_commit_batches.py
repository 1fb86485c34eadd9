"""Journeys remember which messages their last commit had, which identifies it among commits of the same version.

Code of the version before leaves the column as it is; its value names the version that it belongs to.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table customer_relationships add column batch text")


def downgrade() -> None:
    op.execute("alter table customer_relationships drop column batch")
