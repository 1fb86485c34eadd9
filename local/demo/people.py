"""The people of the demo company. None of them exist: email addresses end in example.com, and phone numbers are from
the range that the Bundesnetzagentur reserves for films."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from typing import Any

from faker import Faker

COMPANY = "Salon Lindenhof (invented)"
CURRENCY = "EUR"
TIME_ZONE = "Europe/Berlin"
LOCALES = ("de_DE", "en_GB", "fr_FR")
STAFF = (
    ("Mira Vogel (invented)", "manager"),
    ("Jonas Adler (invented)", "manager"),
    ("Petra Sommer (invented)", "sales"),
    ("Tarik Winter (invented)", "sales"),
)
NOTES = (
    "Prefers Friday afternoons.",
    "Allergic to ammonia: use the mild colour.",
    "Moved to the other side of town last summer.",
    "Likes to be reminded by phone, not by mail.",
    "Asked about gift vouchers for her sister.",
    "Brings her dog.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer's id and profile, as ``PUT /v1/customers/{id}`` takes it."""

    id: str
    profile: dict[str, Any]


def people(seed: int, count: int) -> list[Person]:
    """Generate `count` customers; the same seed gives the same customers."""
    fake = Faker(LOCALES)
    fake.seed_instance(seed)
    chance = random.Random(f"people {seed}")
    return [_person(number, fake, chance) for number in range(1, count + 1)]


def _person(number: int, fake: Faker, chance: random.Random) -> Person:
    first, last = fake.first_name(), fake.last_name()
    profile: dict[str, Any] = {
        "name": f"{first} {last}",
        "email": f"{_plain(first)}.{_plain(last)}.{number}@example.com",
        "phone": f"+4917604069{chance.randrange(100):03}" if chance.random() < 0.8 else None,
        "time_zone": TIME_ZONE,
        "locale": "de-DE" if chance.random() < 0.7 else "en-GB",
        "consent": {"email": chance.random() < 0.8, "sms": chance.random() < 0.5},
    }
    return Person(f"salon-{number:04}", profile)


def _plain(name: str) -> str:
    """A name as part of an email address."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum()) or "x"
