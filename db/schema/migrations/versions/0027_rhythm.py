"""Rhythm: how often each customer usually comes, and when they are expected next.

``rhythm`` is null until it has been computed: by a commit of this version, or for journeys to which nothing happens by
the background loop of a worker, which finds them by an index. Code of the version before leaves the columns as they
are; the next commit sets them.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table customer_relationships add column usual_interval numeric(9, 3),"
        " add column expected_at timestamptz, add column rhythm jsonb"
    )
    op.execute(
        "create index customer_relationships_expected on customer_relationships (company_id, expected_at, id)"
        " where expected_at is not null"
    )
    op.execute(
        "create index customer_relationships_without_rhythm on customer_relationships (company_id, id)"
        " where rhythm is null"
    )


def downgrade() -> None:
    op.execute("drop index customer_relationships_without_rhythm")
    op.execute("drop index customer_relationships_expected")
    op.execute(
        "alter table customer_relationships drop column rhythm, drop column expected_at, drop column usual_interval"
    )
