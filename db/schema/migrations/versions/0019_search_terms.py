r"""What a search for customers looks for, kept by a trigger; indexes in the order of every list of journeys.

A term is in the normal form of `journey/search_text.py`. Row-level security allows no index for operators that are not
leakproof, which rules out `like`, arrays and trigrams; comparisons of text are leakproof, and `collate "C"` makes a
prefix a range. Workers write the terms of existing customers after the migration (`searchable` is false until then).
Code of the version before neither reads nor writes the table; the trigger keeps the terms of what it writes.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = """
create table customer_search_terms (
    company_id bigint not null,
    customer_id bigint not null,
    term text collate "C" not null,
    primary key (company_id, customer_id, term),
    foreign key (company_id, customer_id) references customers (company_id, id) on delete cascade
);
create index customer_search_terms_by_term on customer_search_terms (company_id, term, customer_id);
alter table customers add column searchable boolean not null default false;
alter table customers alter column searchable set default true;
create index customers_to_make_searchable on customers (company_id, id) where not searchable;
"""

# The characters are those of `search_form`; NFKD has replaced the other letters.
FORM = r"""
create function search_form(value text) returns text language sql immutable strict parallel safe
return translate(replace(replace(replace(replace(
    regexp_replace(lower(normalize(value, NFKD)),
        '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f'
        '\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]', '', 'g'),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðħıς', 'olddhiσ');
"""

SEPARATOR = r"[\u0001-\u0020!-/:-@\[-`{-\u00bf\u2000-\u206f\u3000-\u3003]+"
APOSTROPHE = r"[''\u2018\u2019\u02bc`\u00b4]"
# The ITU's country codes have one digit (+1, +7), two digits (these), or three.
TWO_DIGITS = "^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])"

TERMS = r"""
create function search_terms(external_id text, name text, email text, phone text, e164 text)
    returns text[] language plpgsql immutable parallel safe as $$
declare
    found text[] := '{}';
    digits text;
    value text;
    place int;
begin
    if name is not null then
        found := regexp_split_to_array(search_form(name), 'SEPARATOR')
            || regexp_split_to_array(regexp_replace(search_form(name), 'APOSTROPHE', '', 'g'), 'SEPARATOR');
    end if;
    foreach value in array array[search_form(external_id), search_form(email)] loop
        place := 1;
        while place between 1 and length(value) loop  -- null for no e-mail address
            -- an address ends with its domain: "com" would be a term of everybody
            exit when place > 1 and value like '%@%' and substr(value, place) not like '%.%';
            found := found || left(substr(value, place), 100);
            place := regexp_instr(value, 'SEPARATOR', place, 1, 1);
        end loop;
    end loop;
    if phone is not null then
        digits := coalesce(e164, substring(normalize(phone, NFKC) from '^[^[:alpha:]#;]*'));
        digits := translate(digits, '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789');
        digits := regexp_replace(digits, '[^0-9]', '', 'g');
        if e164 is not null then
            place := case when digits ~ '^[17]' then 2 when digits ~ 'TWO_DIGITS' then 3 else 4 end;
            found := found || ('#' || digits) || ('~' || ltrim(substr(digits, place), '0')) || ('<' || reverse(digits));
        else
            found := found || ('?' || ltrim(digits, '0')) || ('>' || reverse(digits));
        end if;
    end if;
    return array(select distinct left(term, 100) from unnest(found) as term where term not in ('', '?', '>'));
end $$;
"""
for name, pattern in {"SEPARATOR": SEPARATOR, "APOSTROPHE": APOSTROPHE, "TWO_DIGITS": TWO_DIGITS}.items():
    TERMS = TERMS.replace(f"'{name}'", f"'{pattern}'")

TRIGGER = """
create function refresh_search_terms() returns trigger language plpgsql as $$
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
create trigger search_terms_inserted after insert on customers for each row execute function refresh_search_terms();
-- Not when the E.164 form is only forgotten, to be read again.
create trigger search_terms_updated after update of name, email, phone, phone_e164, phone_e164_of, searchable
    on customers for each row
    when ((old.name, old.email, old.phone, old.phone_e164, old.searchable)
          is distinct from (new.name, new.email, new.phone, new.phone_e164, new.searchable)
          or (new.phone_e164_of is not null and new.phone_e164_of is distinct from old.phone_e164_of))
    execute function refresh_search_terms();
"""

THIS_COMPANY = "nullif(current_setting('app.company_id', true), '')::bigint"

# `idx_next_deadline` has the order of deadlines, of which few are equal.
# When a journey has been inactive since: `INACTIVE_SINCE` of db/journeys/projection.py.
INACTIVE_SINCE = "coalesce(last_appointment_at, to_timestamp((state #>> '{f,e}')::double precision))"
SORTED = ("risk_score", "lifetime_value", "last_appointment_at", "stage_entered_at", "created_at")


def upgrade() -> None:
    for statement in (TABLE, FORM, TERMS, TRIGGER):
        op.execute(statement.replace(":", r"\:"))
    mine = f"company_id = {THIS_COMPANY}"
    op.execute("alter table customer_search_terms enable row level security")
    op.execute("alter table customer_search_terms force row level security")
    op.execute(f"create policy tenant on customer_search_terms using ({mine}) with check ({mine})")
    op.execute("grant select, insert, delete on customer_search_terms to perdure_app")
    for column in SORTED:
        op.execute(
            f"create index customer_relationships_sort_{column} on customer_relationships"
            f" (company_id, {column}, customer_id)"
        )
    # Partial, because row-level security does not let a condition on an expression select a range of the index.
    op.execute(
        "create index customer_relationships_sort_inactive_since on customer_relationships"
        f" (company_id, ({INACTIVE_SINCE}), customer_id) where {INACTIVE_SINCE} is not null"
    )
    op.execute(
        "create index customers_sort_name on customers (company_id, lower(name), id) where lower(name) is not null"
    )


def downgrade() -> None:
    op.execute("drop index customers_sort_name")
    for name in (*SORTED, "inactive_since"):
        op.execute(f"drop index customer_relationships_sort_{name}")
    op.execute("drop trigger search_terms_inserted on customers")
    op.execute("drop trigger search_terms_updated on customers")
    op.execute("drop function refresh_search_terms()")
    op.execute("alter table customers drop column searchable")
    op.execute("drop table customer_search_terms")
    op.execute("drop function search_terms(text, text, text, text, text)")
    op.execute("drop function search_form(text)")
