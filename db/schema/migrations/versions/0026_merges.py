r"""Merges: two customers who are one person, and what stays of a journey that ended in another one.

`customers.merged_into` makes a customer's id an alias; it always names the customer at the end of a chain. The row of
an alias keeps nothing but its id. Events that came with another journey name it (`merged_from`), and their versions are
lowered by 1,000,000,000: they are older than every commit of the journey that has them now. Figures of the past are
counted from `merged_journeys` and the transitions that it refers to, which is why transitions no longer need a row in
`customer_relationships`.

Code of the version before does not know aliases: merge customers when all workers and gateways are upgraded.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"

COLUMNS = """
alter table customers add column merged_into bigint, add column merged_at timestamptz, add column merge_run text,
    add foreign key (company_id, merged_into) references customers (company_id, id) on delete cascade;
create index customers_merged_into on customers (company_id, merged_into) where merged_into is not null;
create index customers_merged_at on customers (company_id, merged_at) where merged_into is not null;
alter table journey_events add column merged_from bigint;
alter table journey_transitions drop constraint journey_transitions_company_id_relationship_id_fkey;
create table merged_journeys (
    company_id bigint not null,
    relationship_id bigint not null,
    customer_id bigint not null,
    alias_id bigint not null,
    merged_at timestamptz not null,
    primary key (company_id, relationship_id),
    foreign key (company_id, customer_id) references customers (company_id, id) on delete cascade,
    foreign key (company_id, alias_id) references customers (company_id, id) on delete cascade
);
create index merged_journeys_of_customer on merged_journeys (company_id, customer_id);
"""

# An alias has no terms: its id is a term of the customer it was merged into.
REFRESH = r"""
create or replace function refresh_search_terms() returns trigger language plpgsql as $$
declare
    terms text[] := search_terms(new.external_id, new.name, new.email, new.phone,
                                 case when new.phone = new.phone_e164_of then new.phone_e164 end);
begin
    if new.merged_into is not null then
        delete from customer_search_terms where company_id = new.company_id and customer_id = new.id;
        insert into customer_search_terms (company_id, customer_id, term)
        select new.company_id, new.merged_into, term
          from unnest(search_terms(new.external_id, null, null, null, null)) as term on conflict do nothing;
        return null;
    end if;
    terms := terms || array(select unnest(search_terms(a.external_id, null, null, null, null)) from customers a
                             where a.company_id = new.company_id and a.merged_into = new.id);
    if tg_op = 'UPDATE' then
        delete from customer_search_terms
         where company_id = new.company_id and customer_id = new.id and term <> all (terms);
    end if;
    insert into customer_search_terms (company_id, customer_id, term)
    select new.company_id, new.id, term from unnest(terms) as term on conflict do nothing;
    return null;
end $$;
"""
TRIGGER = """
drop trigger search_terms_updated on customers;
create trigger search_terms_updated
    after update of name, email, phone, phone_e164, phone_e164_of, searchable, merged_into on customers for each row
    when ((old.name, old.email, old.phone, old.phone_e164, old.searchable, old.merged_into)
          is distinct from (new.name, new.email, new.phone, new.phone_e164, new.searchable, new.merged_into)
          or (new.phone_e164_of is not null and new.phone_e164_of is distinct from old.phone_e164_of))
    execute function refresh_search_terms();
"""

REFRESH_BEFORE = r"""
create or replace function refresh_search_terms() returns trigger language plpgsql as $$
declare
    terms text[] := search_terms(new.external_id, new.name, new.email, new.phone,
                                 case when new.phone = new.phone_e164_of then new.phone_e164 end);
begin
    if tg_op = 'UPDATE' then
        delete from customer_search_terms
         where company_id = new.company_id and customer_id = new.id and term <> all (terms);
    end if;
    insert into customer_search_terms (company_id, customer_id, term)
    select new.company_id, new.id, term from unnest(terms) as term on conflict do nothing;
    return null;
end $$;
"""
TRIGGER_BEFORE = """
drop trigger search_terms_updated on customers;
create trigger search_terms_updated after update of name, email, phone, phone_e164, phone_e164_of, searchable
    on customers for each row
    when ((old.name, old.email, old.phone, old.phone_e164, old.searchable)
          is distinct from (new.name, new.email, new.phone, new.phone_e164, new.searchable)
          or (new.phone_e164_of is not null and new.phone_e164_of is distinct from old.phone_e164_of))
    execute function refresh_search_terms();
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    for statement in (REFRESH, TRIGGER):
        op.execute(statement.replace(":", r"\:"))
    mine = f"company_id = {THIS_COMPANY}"
    op.execute("alter table merged_journeys enable row level security")
    op.execute("alter table merged_journeys force row level security")
    op.execute(f"create policy tenant on merged_journeys using ({mine}) with check ({mine})")
    op.execute("grant select, insert, update on merged_journeys to perdure_app")
    op.execute("grant delete on customer_relationships to perdure_app")
    op.execute("grant update (customer_id) on journey_unrolled to perdure_app")


def downgrade() -> None:
    """Aliases become customers without a journey again; what was merged stays merged."""
    op.execute("revoke delete on customer_relationships from perdure_app")
    op.execute("revoke update (customer_id) on journey_unrolled from perdure_app")
    for statement in (TRIGGER_BEFORE, REFRESH_BEFORE):
        op.execute(statement.replace(":", r"\:"))
    # FORCE holds for the owner, too, who would see no rows.
    op.execute("alter table merged_journeys no force row level security")
    op.execute("alter table journey_transitions no force row level security")
    op.execute("delete from journey_transitions t using merged_journeys m where m.relationship_id = t.relationship_id")
    op.execute("alter table journey_transitions force row level security")
    op.execute("drop table merged_journeys")
    op.execute(
        "alter table journey_transitions add foreign key (company_id, relationship_id)"
        " references customer_relationships (company_id, id)"
    )
    op.execute("alter table journey_events drop column merged_from")
    op.execute("alter table customers drop column merge_run, drop column merged_at, drop column merged_into")
