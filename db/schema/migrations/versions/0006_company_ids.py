"""A function that returns all company ids to the application's role, for work that is done for every company."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Runs as its owner, who sees every company by the policy `operator`, and returns only ids. `begin atomic` binds the
# body to the table at creation, so that a caller's search_path cannot substitute another one.
COMPANY_IDS = """
create function company_ids() returns setof bigint language sql stable security definer
    set search_path = pg_catalog, pg_temp
    begin atomic
        select id from companies order by id;
    end;
revoke execute on function company_ids() from public;
grant execute on function company_ids() to perdure_app;
"""


def upgrade() -> None:
    op.execute(COMPANY_IDS)


def downgrade() -> None:
    op.execute("drop function company_ids()")
