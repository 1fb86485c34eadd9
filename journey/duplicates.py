"""Which customers may be one person: they have the same phone number, mailbox or name."""

from collections.abc import Collection
from typing import Literal

from journey.mailboxes import normalized_email
from journey.search_text import words

Reason = Literal["phone", "email", "name"]
REASONS: tuple[Reason, ...] = ("phone", "email", "name")
#: More customers than this with the same number, address or name are a family, a reception or a common name.
MAX_HOLDERS = 8
#: How sure a pair is, by its strength.
STRENGTHS: dict[int, str] = {3: "strong", 2: "likely", 1: "weak"}


def identity_keys(name: str | None, email: str | None, phone_e164: str | None) -> set[str]:
    """Return normal forms of what identifies a person: two customers with the same one may be the same person.

    Args:
        name: As stored; words in any order are the same name. One word is not enough.
        email: As stored.
        phone_e164: In E.164; None if it is unknown.
    """
    found = set[str]()
    if phone_e164:
        found.add(f"phone:{phone_e164}")
    if email and "@" in email:
        found.add(f"email:{normalized_email(email)}")
    if name and len(parts := sorted(set(words(name)))) > 1:
        found.add(f"name:{' '.join(parts)}"[:200])
    return found


def strength(reasons: Collection[str]) -> int:
    """Return how sure a pair is: 3 with two reasons, 2 with the same phone number or mailbox, 1 with the same name."""
    return 1 if set(reasons) == {"name"} else 1 + min(2, len(set(reasons)))
