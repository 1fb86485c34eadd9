"""Find who retracted an event, in the audit log."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index audit_log_of_retractions on audit_log (company_id, subject) where action = 'event.retract'"
    )


def downgrade() -> None:
    op.execute("drop index audit_log_of_retractions")
