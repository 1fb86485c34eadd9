"""For each company, the time up to which everything known is counted in its stage metrics."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MARKS = """
create table stage_metric_marks (
    company_id bigint primary key references companies,
    counted_at timestamptz not null
);
alter table stage_metric_marks enable row level security;
alter table stage_metric_marks force row level security;
create policy tenant on stage_metric_marks using (company_id = {mine}) with check (company_id = {mine});
grant select, insert, update on stage_metric_marks to perdure_app;
"""

THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"


def upgrade() -> None:
    op.execute(MARKS.format(mine=THIS_COMPANY))


def downgrade() -> None:
    op.execute("drop table stage_metric_marks")
