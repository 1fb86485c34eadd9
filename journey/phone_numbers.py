"""Phone numbers as people write them: which texts are accepted, and what they are in E.164."""

import re
import unicodedata

import phonenumbers
from phonenumbers import ValidationResult

PHONE_NUMBER = (
    "a phone number: digits, also with spaces or ( ) . / -, with + and the country code if it is known, and with an"
    " extension such as ext. 5 if there is one"
)
MIN_DIGITS, MAX_DIGITS = 3, 17  # E.164 has up to 15, and some countries dial 00 before them
MAX_LENGTH = 60  # characters

_EXTENSION = re.compile(r"[ ,;]*(?:extension|extn|ext|durchwahl|dw|x|#)[ .:=]*([0-9]{1,7})#?$", re.IGNORECASE)
_NUMBER = re.compile(r"[(\[ ]*\+?[0-9 ()\[\]./~-]+")


def check_number(text: str) -> None:
    """Check that a text is a phone number, of any country.

    Raises:
        ValueError: The text is no phone number, or one that its country code makes impossible. Says what is allowed.
    """
    is_international, digits = _parts(text)
    if is_international:
        _international(digits)


def normalized_number(text: str, country: str | None = None) -> str:
    """Return a number in E.164 if its country is known, else its digits without an extension.

    Args:
        text: As people write it.
        country: The country of national numbers (ISO 3166, such as DE).

    Raises:
        ValueError: As `check_number`.
    """
    _, digits = _parts(text)
    return _e164(text, country) or digits


def e164(text: str, country: str | None = None) -> str | None:
    """Return a number in E.164, such as +4930123456, without its extension.

    Args:
        text: As people write it.
        country: The country of national numbers (ISO 3166, such as DE).

    Returns:
        None if the country is unknown or has no such numbers, or if the text is no phone number.
    """
    try:
        return _e164(text, country)
    except ValueError:
        return None


def _e164(text: str, country: str | None) -> str | None:
    is_international, digits = _parts(text)
    if is_international:
        return _formatted(_international(digits))
    if country and (number := _possible(digits, country)):
        return _formatted(number)
    # No country has national numbers that begin with 00, and most dial it before a country code.
    return valid_e164(digits[2:]) if digits.startswith("00") else None


def country_code(code: str) -> str:
    """Return an ISO 3166 country code in its normal form. Raises ValueError for an unknown one."""
    normal = code.strip().upper()
    if normal not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{code!r} is not a country code (ISO 3166) such as DE, AT or US")
    return normal


def plain(text: str) -> str:
    """Return a text with ASCII digits, spaces and hyphens, and without invisible characters."""
    return "".join(map(_plain_character, unicodedata.normalize("NFKC", text))).strip()


def _plain_character(character: str) -> str:
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.digit(character))
        case "Zs":
            return " "
        case "Pd":
            return "-"
        case "Cf":  # such as U+202A, which comes with numbers that are copied from contacts
            return ""
    return "-" if character == "\u2212" else character


def _parts(text: str) -> tuple[bool, str]:
    """Return whether a number has a country code, and its digits without an extension. Raises ValueError."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{PHONE_NUMBER}; at most {MAX_LENGTH} characters")
    number = _EXTENSION.sub("", plain(text))
    if not _NUMBER.fullmatch(number):
        raise ValueError(PHONE_NUMBER)
    digits = re.sub("[^0-9]", "", number)
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        raise ValueError(f"{PHONE_NUMBER}; {MIN_DIGITS} to {MAX_DIGITS} digits")
    return "+" in number, digits


def _international(digits: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse("+" + digits)  # drops the (0) of +49 (0)30
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError("a phone number whose + is followed by the code of a country, such as +49") from None
        raise ValueError(PHONE_NUMBER) from None
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return number
        case ValidationResult.TOO_LONG:
            raise ValueError(f"a phone number that is not too long for the country code +{number.country_code}")
        case ValidationResult.TOO_SHORT:
            raise ValueError(f"a phone number that is not too short for the country code +{number.country_code}")
    raise ValueError(f"a phone number with as many digits as the country code +{number.country_code} allows")


def _possible(digits: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    is_possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if is_possible else None


def _formatted(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def number_digits(text: str) -> str | None:
    """Return the digits of a number without an extension, also of a part of one; None if the text is no number."""
    number = _EXTENSION.sub("", plain(text))
    return re.sub("[^0-9]", "", number) if _NUMBER.fullmatch(number) else None


def valid_e164(digits: str) -> str | None:
    """Return digits that begin with a country code as a number in E.164; None if there is no such number."""
    number = _possible("+" + digits, None)
    return _formatted(number) if number and phonenumbers.is_valid_number(number) else None


def national_digits(number: str) -> str:
    """Return the digits of a number in E.164 without the country code."""
    return phonenumbers.national_significant_number(phonenumbers.parse(number))
