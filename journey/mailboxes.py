"""Normal forms of e-mail addresses and phone numbers: two texts with the same form reach the same mailbox or phone."""

import unicodedata

from journey.email_addresses import ascii_domain
from journey.phone_numbers import normalized_number


def normalized_address(text: str | None) -> str | None:
    """Normalize an e-mail address or a phone number; None if it is missing or invalid."""
    if not text or not text.strip():
        return None
    if "@" in text:
        return normalized_email(text)
    try:
        return normalized_number(text)
    except ValueError:
        return None


def normalized_email(address: str) -> str:
    """Fold the case of an address and convert its domain to ASCII (IDNA 2008); an invalid domain is only folded."""
    local, _, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    return f"{local.casefold()}@{_folded_domain(domain)}"


def _folded_domain(domain: str) -> str:
    try:
        return ascii_domain(domain).lower()
    except ValueError:
        return domain.casefold()
