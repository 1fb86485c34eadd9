"""Company medians: records of the usual gap between visits, which the rhythm of customers with few visits uses.

A record counts for visits from ``counts_from`` on. Records are only added.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = """
create table company_medians (
    company_id bigint not null references companies,
    version int not null,
    counts_from timestamptz not null,
    rules_version int not null,
    gap numeric(9, 3),
    services jsonb not null,
    created_at timestamptz not null default now(),
    primary key (company_id, version)
)
"""

THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"


def upgrade() -> None:
    mine = f"company_id = {THIS_COMPANY}"
    op.execute(TABLE)
    op.execute("alter table company_medians enable row level security")
    op.execute("alter table company_medians force row level security")
    op.execute(f"create policy tenant on company_medians using ({mine}) with check ({mine})")
    op.execute("grant select, insert on company_medians to perdure_app")


def downgrade() -> None:
    op.execute("drop table company_medians")
