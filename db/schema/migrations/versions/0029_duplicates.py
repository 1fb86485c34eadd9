"""Pairs of customers who may be one person, found by workers: `customers.compared` is false until they have looked.

Workers write normal forms of names, mailboxes and phone numbers (`customer_keys`) and the pairs that share one. Code of
the version before neither reads nor writes them; the trigger notes what it changes.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = """
alter table customers add column compared boolean not null default false;
create index customers_to_compare on customers (company_id, id) where not compared;
create table customer_keys (
    company_id bigint not null,
    customer_id bigint not null,
    key text collate "C" not null,
    primary key (company_id, customer_id, key),
    foreign key (company_id, customer_id) references customers (company_id, id) on delete cascade
);
create index customer_keys_by_key on customer_keys (company_id, key, customer_id);
create table duplicate_customers (
    company_id bigint not null,
    first_id bigint not null,
    second_id bigint not null,
    strength smallint not null,
    reasons text[] not null,
    dismissed_at timestamptz,
    dismissed_by text,
    primary key (company_id, first_id, second_id),
    foreign key (company_id, first_id) references customers (company_id, id) on delete cascade,
    foreign key (company_id, second_id) references customers (company_id, id) on delete cascade,
    constraint duplicate_customers_order_check check (first_id < second_id)
);
create index duplicate_customers_by_second on duplicate_customers (company_id, second_id);
create index duplicate_customers_to_show on duplicate_customers (company_id, strength desc, first_id, second_id)
    where dismissed_at is null;
"""
TRIGGER = """
create function note_changed_profile() returns trigger language plpgsql as $$
begin
    new.compared = false;
    return new;
end $$;
create trigger profile_changed before update of name, email, phone, phone_e164, phone_e164_of, merged_into
    on customers for each row
    when ((old.name, old.email, old.phone, old.phone_e164, old.phone_e164_of, old.merged_into)
          is distinct from (new.name, new.email, new.phone, new.phone_e164, new.phone_e164_of, new.merged_into))
    execute function note_changed_profile();
"""
GRANTS = {
    "customer_keys": "select, insert, delete",
    "duplicate_customers": "select, insert, update, delete",
}
THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(TRIGGER.replace(":", r"\:"))
    mine = f"company_id = {THIS_COMPANY}"
    for table, privileges in GRANTS.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy tenant on {table} using ({mine}) with check ({mine})")
        op.execute(f"grant {privileges} on {table} to perdure_app")


def downgrade() -> None:
    op.execute("drop trigger profile_changed on customers")
    op.execute("drop function note_changed_profile()")
    for table in GRANTS:
        op.execute(f"drop table {table}")
    op.execute("alter table customers drop column compared")
