"""What the maintenance of all companies needs: their ids, and up to when the metrics of each have counted."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The application sees one company at a time. Who looks after all of them needs their numbers, and gets nothing else:
# as the owner, whom the policy of the first schema lets see every company, with a body that is bound here and now.
COMPANY_IDS = """
create function company_ids() returns setof bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select id from companies order by id;
end;
revoke execute on function company_ids() from public;
grant execute on function company_ids() to perdure_app;
"""

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
    op.execute(COMPANY_IDS)
    op.execute(MARKS.format(mine=THIS_COMPANY))


def downgrade() -> None:
    op.execute("drop table stage_metric_marks")
    op.execute("drop function company_ids()")
