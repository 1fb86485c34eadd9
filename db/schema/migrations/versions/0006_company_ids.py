"""The numbers of all companies for the application's role: what works for every company must know which there are."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# As its owner, who sees every company by the policy `operator`. It tells numbers and nothing else; the body is bound to
# its table here and now, so that no search_path of a caller can put another in its place.
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
