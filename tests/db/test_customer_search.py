"""Search of customers: what finds whom, by the application's role, and how terms follow every writer."""

import json
import unicodedata
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from background import profile_loop
from db.connections import Pool, owner_connection, tenant_rows, tenant_transaction
from db.journeys import relationships
from db.journeys.relationships import SORTS, RelationshipSearch, count_relationships, list_relationships
from db.people import companies, customer_search, customers
from journey.search_text import search_form

A, B = 1, 2  # as in conftest.py

PEOPLE: dict[str, dict[str, Any]] = {
    "c-1": {"name": "José Núñez", "phone": "+34 612 34 56 78"},
    "c-2": {"name": "Straße, Anna-Lena", "email": "anna.lena@Example.org", "phone": "030 1234567"},
    "c-3": {"name": unicodedata.normalize("NFD", "Ångström Åsa"), "phone": "(555) 010-1234 ext. 5"},
    "c-4": {"name": "Seán O’Brien", "email": "sean+news@mail.example.co.uk", "phone": "+1-555-010-9876"},
    "c-5": {"name": "علی\u200cرضا", "phone": "0049 40 7654321"},
    "shop:77-0042": {"name": None, "email": "no.name@example.com"},
}


@pytest.fixture
async def people(two_companies: str, two_companies_pool: Pool) -> Pool:
    """Company A has these customers, in addition to `x1`; company B has one of the same name."""
    for customer, profile in PEOPLE.items():
        await customers.put_profile(two_companies_pool, A, customer, profile)
    await customers.put_profile(two_companies_pool, B, "of-b", PEOPLE["c-1"])
    return two_companies_pool


async def found(pool: Pool, text: str, company: int = A) -> list[str]:
    """The ids of the customers that a text finds."""
    result = await customer_search.find_customers(pool, company, text)
    rows = await tenant_rows(
        pool, company, "select external_id from customers where id = any(%s) order by 1", [result.customers]
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        # names: any order, case, accents, composition; trimmed
        ("Nunez", "c-1"),
        ("NÚÑEZ josé", "c-1"),
        (unicodedata.normalize("NFD", "Núñez"), "c-1"),
        ("  jose   nun  ", "c-1"),
        ("STRASSE", "c-2"),
        ("straße", "c-2"),
        ("lena anna strasse", "c-2"),
        ("Anna-Lena", "c-2"),
        ("angstrom", "c-3"),
        ("Åsa", "c-3"),
        ("O'Brien", "c-4"),
        ("obrien sean", "c-4"),
        ("brien", "c-4"),
        ("علیرضا", "c-5"),
        # with one typo, in each word
        ("Nunes", "c-1"),
        ("Jsoe Nuñe", "c-1"),
        ("Strase", "c-2"),
        ("Angstorm", "c-3"),
        # phone numbers, national and international, in any spelling, whole or in part
        ("+34 612 345 678", "c-1"),
        ("612345678", "c-1"),
        ("0034612345678", "c-1"),
        ("+49 30 1234567", "c-2"),
        ("(030) 123-45-67", "c-2"),
        ("30/1234567", "c-2"),
        ("\u202a030\u00a01234567\u202c", "c-2"),
        ("0301234", "c-2"),
        ("555 010 1234", "c-3"),
        ("+1 (555) 010-1234 ext. 5", "c-3"),
        ("5550101234", "c-3"),
        ("010-9876", "c-4"),
        ("9876", "c-4"),
        ("(555) 010-9876", "c-4"),
        ("15550109876", "c-4"),
        ("040 7654321", "c-5"),
        ("+49407654321", "c-5"),
        ("Núñez 612 34 56 78", "c-1"),
        # e-mail addresses and ids
        ("anna.lena@example.ORG", "c-2"),
        ("sean+news@mail", "c-4"),
        ("@mail.example.co", "c-4"),
        ("no.name", "shop:77-0042"),
        ("SHOP:77", "shop:77-0042"),
        ("0042", "shop:77-0042"),
        ("c-5", "c-5"),
    ],
)
async def test_what_finds_whom(people: Pool, text: str, who: str) -> None:
    assert await found(people, text) == [who]


@pytest.mark.parametrize(
    "text",
    ["Nzzez", "Jose Strasse", "+44 612 345 678", "uneez", "%", "_", "\\", "'; drop table customers; --", "99999999999"],
)
async def test_what_finds_nobody(people: Pool, text: str) -> None:
    assert await found(people, text) == []


async def test_a_typo_counts_only_if_nothing_matches(people: Pool) -> None:
    await customers.put_profile(people, A, "c-9", {"name": "Maria Nunes"})
    assert await found(people, "nunez") == ["c-1"]
    assert await found(people, "nunes") == ["c-9"]
    assert await found(people, "nuzzes") == []
    assert await found(people, "nunex") == ["c-1", "c-9"]


async def test_terms_are_separate_for_each_company(people: Pool) -> None:
    assert await found(people, "nunez", B) == ["of-b"]
    terms = "select count(*) from customer_search_terms where term = 'nunez'"
    assert await tenant_rows(people, A, terms) == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with tenant_transaction(people, A) as connection:
            await connection.execute("insert into customer_search_terms values (2, 2, 'x')")


async def test_terms_follow_the_profile(people: Pool) -> None:
    await customers.put_profile(people, A, "c-1", {"name": "José Gómez", "phone": "+34 698 76 54 32"})
    assert await found(people, "nunez") == await found(people, "612345678") == []
    assert await found(people, "gomez 698765432") == ["c-1"]
    # A statement that knows nothing of terms.
    await tenant_rows(
        people, A, "update customers set name = 'Pia', phone = null where external_id = 'c-1' returning 1"
    )
    assert await found(people, "gomez") == await found(people, "698765432") == []
    assert await found(people, "pia") == ["c-1"]
    await tenant_rows(people, A, "insert into customers (company_id, external_id) values (1, 'New.One') returning 1")
    assert await found(people, "new.one") == ["New.One"]


async def test_a_national_number_is_found_by_its_country_code_once_it_is_known(
    people: Pool, two_companies: str
) -> None:
    async with owner_connection(two_companies) as connection:
        await companies.update(connection, A, country="DE")
    await profile_loop._complete_company(people, A)
    assert await found(people, "4930123") == await found(people, "+49 30 123") == ["c-2"]
    assert await found(people, "030 12345") == ["c-2"]


async def test_existing_customers_become_searchable_in_batches(people: Pool, two_companies: str) -> None:
    with psycopg.connect(two_companies) as superuser:  # as the migration leaves them
        superuser.execute(
            "insert into customers (company_id, external_id, name)"
            " select 1, 'old-' || n, 'Oldest Customer' from generate_series(1, 1100) n"
        )
        superuser.execute("update customers set searchable = false where company_id = 1")
        superuser.execute("delete from customer_search_terms where company_id = 1")
    assert await found(people, "nunez") == []
    counts = [await customer_search.make_searchable(people, A) for _ in range(4)]
    assert counts == [500, 500, 107, 0]
    assert await found(people, "nunez") == ["c-1"]
    assert len(await found(people, "oldest customer")) == 1100
    assert await found(people, "nunez", B) == ["of-b"]


async def test_the_normal_form_is_the_same_in_postgres(people: Pool) -> None:
    """All letters of Unicode's first plane up to version 14, which every supported Python and Postgres knows."""
    letters = [chr(code) for code in range(1, 0x10000) if unicodedata.category(chr(code))[0] in "LMNPSZ"]
    texts = ["a".join(letters[start : start + 500]) for start in range(0, len(letters), 500)]
    rows = await tenant_rows(people, A, "select text, search_form(text) from unnest(%s::text[]) as text", [texts])
    newer = {"\u1c89", "\ua7cb", "\ua7cc", "\ua7da", "\ua7dc"}
    assert [text for text, form in rows if form != search_form(text) and newer.isdisjoint(text)] == []


async def test_very_many_matches_are_a_condition(people: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_search, "MAX_LISTED", 2)
    result = await customer_search.find_customers(people, A, "c")
    assert result.customers is None


STRATEGIES = {
    "sort what is found": {},
    "read in order, ids hashed": {"MAX_SORTED": 0},
    "read in order, terms hashed": {"MAX_LISTED": 0},
    "read in order, terms looked up": {"MAX_LISTED": 0, "MAX_HASHED": 0},
}


@pytest.mark.parametrize("text", ["Mia", "Mia Berg", "Mai Berg"])
async def test_every_way_to_read_a_page_gives_the_same_pages(
    people: Pool, two_companies: str, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with psycopg.connect(two_companies) as superuser:
        superuser.execute(
            "insert into customers (company_id, external_id, name)"
            " select company, 'mia-' || n, (array['Mia Berg', 'Mia Tal', 'Mia-Mia Berg'])[1 + n % 3]"
            " from generate_series(1, 30) n, unnest(array[1, 2]) company"
        )
        superuser.execute(
            "insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at,"
            " lifetime_value, risk_score, last_appointment_at, version, run_id, decided_at, state)"
            " select company_id, id, (array['vip', 'customer'])[1 + id % 2], now(), id % 4, (id % 5) / 10.0,"
            " case when id % 3 = 0 then now() - id % 7 * interval '1 day' end, 1, 'run', now(), '{}'"
            " from customers where external_id like 'mia-%' and id % 6 > 0"
        )
    pages: dict[str, list[Any]] = {}
    for name, limits in STRATEGIES.items():
        with monkeypatch.context() as patch:
            for limit, value in limits.items():
                patch.setattr(relationships if limit == "MAX_SORTED" else customer_search, limit, value)
            found = await customer_search.find_customers(people, A, text)
            pages[name] = [
                await all_pages(people, RelationshipSearch(found=found, sort=sort, descending=down, stages=stages))
                for sort in SORTS
                for down in (True, False)
                for stages in ((), ("vip",))
            ]
    assert len(pages["sort what is found"][0]) == (30 if text == "Mia" else 20)
    for name in STRATEGIES:
        assert pages[name] == pages["sort what is found"], name


async def all_pages(pool: Pool, search: RelationshipSearch) -> list[str]:
    listed: list[str] = []
    search = replace(search, limit=7)
    while True:
        rows, after = await list_relationships(pool, A, search)
        listed += [row["customer_id"] for row in json.loads(rows)]
        if after is None:
            assert len(listed) == len(set(listed)) == await count_relationships(pool, A, search)
            return listed
        search = replace(search, after=after)
