"""The id of the transaction that wrote a row of a journey, its actions and its tasks, for the change feed.

A trigger sets it, so that no statement can omit it. The condition of the trigger skips rows whose statement has already
set it (the hot journey commit), at almost no cost.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FUNCTION = """
create function stamp_change() returns trigger language plpgsql as $$
begin
    new.changed := pg_current_xact_id()::text::bigint;
    return new;
end $$
"""
TABLES = ("customer_relationships", "journey_actions", "tasks")


def upgrade() -> None:
    op.execute(FUNCTION)
    for table in TABLES:
        op.execute(f"alter table {table} add column changed bigint not null default 0")
        op.execute(f"create index {table}_changed on {table} (company_id, changed)")
        op.execute(
            f"create trigger inserted before insert on {table} for each row when (new.changed = 0)"
            " execute function stamp_change()"
        )
        op.execute(
            f"create trigger updated before update on {table} for each row when (new.changed = old.changed)"
            " execute function stamp_change()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop trigger inserted on {table}")
        op.execute(f"drop trigger updated on {table}")
        op.execute(f"alter table {table} drop column changed")
    op.execute("drop function stamp_change()")
