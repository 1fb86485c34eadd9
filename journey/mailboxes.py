"""Normal forms of e-mail addresses and phone numbers: two texts with the same form reach the same mailbox or phone."""

import re
import unicodedata

import phonenumbers

from journey.email_addresses import ascii_domain


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


def normalized_number(number: str) -> str:
    """Normalize a phone number: E.164 if it has a country prefix, else digits without separators.

    Raises ValueError for an invalid number.
    """
    digits = re.sub(r"[ ()./-]", "", number)
    if not re.fullmatch(r"\+?[0-9]{3,20}", digits):  # the library would accept letters
        raise ValueError("invalid phone number")
    if not digits.startswith("+"):
        return digits
    try:
        parsed = phonenumbers.parse(number)  # drops the (0) of +49 (0)30
    except phonenumbers.NumberParseException:
        raise ValueError("invalid phone number") from None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _folded_domain(domain: str) -> str:
    try:
        return ascii_domain(domain).lower()
    except ValueError:
        return domain.casefold()
