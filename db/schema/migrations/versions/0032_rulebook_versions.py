"""Keep every version of a company's stages and rules, and who changed them, when and why.

A company's current version is written with its next change, so nothing has to be filled in. Code of the version before
ignores the table.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE = """
create table rulebook_versions (
    company_id bigint not null references companies,
    version int not null check (version >= 1),
    effective_at timestamptz not null,
    stages jsonb,
    scoring jsonb,
    runs_actions boolean not null default false,
    actor text not null,
    reason text,
    restores int,
    primary key (company_id, version)
);
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete on rulebook_versions for each row execute function refuse_change();
"""

THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"


def upgrade() -> None:
    op.execute(TABLE)
    mine = f"company_id = {THIS_COMPANY}"
    op.execute("alter table rulebook_versions enable row level security")
    op.execute("alter table rulebook_versions force row level security")
    op.execute(f"create policy tenant on rulebook_versions using ({mine}) with check ({mine})")
    op.execute("grant select, insert on rulebook_versions to perdure_app")
    op.execute("grant update (rules_version, rules_changed_at) on companies to perdure_app")


def downgrade() -> None:
    op.execute("revoke update (rules_version, rules_changed_at) on companies from perdure_app")
    op.execute("drop table rulebook_versions")
    op.execute("drop function refuse_change")
