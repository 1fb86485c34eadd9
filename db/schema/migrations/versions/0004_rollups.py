"""Analytics rolled up by day and month, the roll-up queue, and an index of customers at risk.

The function returns the companies with commits in the queue: workers roll up all companies, but row-level security
shows the application only one at a time.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
create table journey_rollups (
    company_id bigint not null references companies,
    figure text not null,
    grain text not null,
    day date not null,
    key text[] not null,
    n bigint not null,
    amount numeric not null,
    primary key (company_id, figure, grain, day, key),
    constraint journey_rollups_grain_check check (grain in ('day', 'month')),
    constraint journey_rollups_figure_check
        check (figure in ('move', 'stay', 'start', 'entered', 'gone_on', 'revenue', 'adjusted'))
) with (fillfactor = 70);

create table journey_unrolled (
    company_id bigint not null,
    relationship_id bigint not null,
    version int not null,
    customer_id bigint not null,
    primary key (company_id, relationship_id, version)
);

create table journey_rollup_stages (
    company_id bigint primary key references companies,
    stages text not null
);

create index customer_relationships_threatened on customer_relationships (company_id, risk_score desc, id)
    where risk_score > 0.7 or current_stage = 'at_risk';
"""

GRANTS = {
    "journey_rollups": "select, insert, update, delete",
    "journey_unrolled": "select, insert, delete",
    "journey_rollup_stages": "select, insert, update",
}

# Enqueue the existing commits; FORCE is lifted for the owner as in the previous migration.
BACKLOG = """
alter table customer_relationships no force row level security;
insert into journey_unrolled (company_id, relationship_id, version, customer_id)
select r.company_id, r.id, v.version, r.customer_id
  from customer_relationships r cross join lateral (values (0), (r.version)) v(version)
on conflict do nothing;
alter table customer_relationships force row level security;
"""

COMPANIES = """
create function unrolled_companies() returns setof bigint language sql stable security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    select c.id from companies c where exists (select from journey_unrolled u where u.company_id = c.id) order by c.id;
end;
revoke execute on function unrolled_companies() from public;
grant execute on function unrolled_companies() to perdure_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(BACKLOG)
    mine = "company_id = nullif(current_setting('app.company_id', true), '')::bigint"
    for table, privileges in GRANTS.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy tenant on {table} using ({mine}) with check ({mine})")
        op.execute(f"grant {privileges} on {table} to perdure_app")
    op.execute("create policy operator on journey_unrolled to current_user using (true) with check (true)")
    op.execute(COMPANIES)


def downgrade() -> None:
    op.execute("drop function unrolled_companies()")
    op.execute("drop index customer_relationships_threatened")
    for table in reversed(GRANTS):
        op.execute(f"drop table {table}")
