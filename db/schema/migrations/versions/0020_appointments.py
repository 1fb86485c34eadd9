"""Appointments: find an appointment's events in the ledger, and show a customer's booked times.

The ids are in the payload of each event, so that rows of before are found as well, and rows that code of the version
before still adds. That code leaves ``booked_times`` as it is; the next commit of this version sets it.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = """
create index journey_events_of_appointment
    on journey_events (company_id, customer_id, (payload ->> 'appointment_id')) where payload ? 'appointment_id';
create index journey_events_of_replaced_appointment
    on journey_events (company_id, customer_id, (payload ->> 'replaces')) where payload ? 'replaces';
"""


def upgrade() -> None:
    op.execute("alter table customer_relationships add column booked_times timestamptz[]")
    op.execute(INDEXES)


def downgrade() -> None:
    op.execute("drop index journey_events_of_replaced_appointment")
    op.execute("drop index journey_events_of_appointment")
    op.execute("alter table customer_relationships drop column booked_times")
