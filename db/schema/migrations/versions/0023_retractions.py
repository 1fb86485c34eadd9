"""Retractions: which event retracted another one, and what a correction contributes to figures.

``contributions`` is null for everything of before and for nearly everything else: then an event contributes what its
type says. Code of the version before leaves both columns empty.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table journey_events add column retracted_by text, add column contributions jsonb")
    op.execute(
        "create index journey_events_retracting on journey_events (company_id, (payload ->> 'retracts'))"
        " where type = 'event.retracted'"
    )
    op.execute(
        "create index journey_events_correcting on journey_events (company_id, customer_id)"
        " where contributions is not null"
    )


def downgrade() -> None:
    op.execute("drop index journey_events_correcting")
    op.execute("drop index journey_events_retracting")
    op.execute("alter table journey_events drop column contributions, drop column retracted_by")
