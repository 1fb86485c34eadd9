"""Appointments without an outcome by their booked time: few among many that have one."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index appointments_open on appointments (company_id, scheduled_for, customer_id, key)"
        " where outcome = 'open'"
    )


def downgrade() -> None:
    op.execute("drop index appointments_open")
