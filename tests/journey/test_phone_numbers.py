"""Phone numbers as people write them."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.phone_numbers import MAX_DIGITS, check_number, country_code, e164, normalized_number


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+49 30 1234567", None, "+49301234567"),
        ("+49 (0)30 / 12 34-567", None, "+49301234567"),
        ("(+49) 30 1234567", "US", "+49301234567"),
        ("0049 30 1234567", None, "+49301234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("0041 44 668 18 00", "DE", "+41446681800"),
        ("030 1234567", None, None),
        ("(555) 010-1234", None, None),
        ("(555) 010-1234", "US", "+15550101234"),
        ("1-555-010-1234", "US", "+15550101234"),
        ("010-1234", "US", None),  # the area code is missing
        ("110", "DE", None),
        ("06 1234567", "IT", "+39061234567"),  # the only country whose numbers keep their 0
        ("06 1234567", "AT", "+4361234567"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("\u202a+49\u00a030\u202f1234567\u202c", None, "+49301234567"),
        ("+49\u201130\u20131234567", None, "+49301234567"),  # other hyphens
        ("\uff0b\uff14\uff19 30 1234567", None, "+49301234567"),  # full width
        ("٠٣٠ ١٢٣٤٥٦٧", "DE", "+49301234567"),
        ("(555) 010-1234 ext. 5", "US", "+15550101234"),
        ("(555) 010-1234 x5", "US", "+15550101234"),
        ("(555) 010-1234 #5", "US", "+15550101234"),
        ("+1-555-010-1234;ext=5", None, "+15550101234"),
        ("030 1234567 Durchwahl 12", "DE", "+49301234567"),
    ],
)
def test_numbers_are_accepted_and_read(text: str, country: str | None, number: str | None) -> None:
    check_number(text)
    assert e164(text, country) == number
    digits = normalized_number(text, country)
    assert digits == number or (number is None and digits.isdecimal())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a phone number: digits"),
        ("   ", "a phone number: digits"),
        ("call me", "a phone number: digits"),
        ("1-800-FLOWERS", "a phone number: digits"),
        ("+49 30 x", "a phone number: digits"),
        ("030\n123456", "a phone number: digits"),
        ("030\x00123456", "a phone number: digits"),
        ("+49+30123456", "a phone number: digits"),
        ("12", "3 to 17 digits"),
        ("1" * 18, "3 to 17 digits"),
        ("1" * 61, "at most 60 characters"),
        ("+999 123456", "code of a country, such as"),
        ("+1 555 010 12345", "not too long for the country code"),
        ("+1 555 01", "not too short for the country code"),
    ],
)
def test_others_are_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="phone number") as caught:
        check_number(text)
    assert problem in str(caught.value)
    assert e164(text, "DE") is None


@given(st.text(max_size=70) | st.from_regex(r"\+?[0-9 ()./-]{1,20}( ext\. [0-9])?", fullmatch=True))
def test_what_is_accepted_can_be_dialled(text: str) -> None:
    """Whatever the door accepts has a normal form, with which a provider can work."""
    try:
        check_number(text)
    except ValueError:
        assert e164(text, "DE") is None
        return
    for country in (None, "DE", "US"):
        normal = normalized_number(text, country)
        assert normal.removeprefix("+").isdecimal()
        assert normal.isascii()
        assert len(normal) <= MAX_DIGITS + 1
        assert e164(text, country) == (normal if normal.startswith("+") else None)


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_national_and_the_international_form_are_the_same_number(country: str) -> None:
    example = phonenumbers.example_number(country)
    assert example is not None
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for form in (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
        text = phonenumbers.format_number(example, form)
        check_number(text)
        assert e164(text, country) == expected
    assert e164(expected) == expected


@pytest.mark.parametrize(("code", "normal"), [("DE", "DE"), (" de ", "DE"), ("us", "US")])
def test_country_codes(code: str, normal: str) -> None:
    assert country_code(code) == normal


@pytest.mark.parametrize("code", ["", "D", "DEU", "XX", "Germany", "49"])
def test_unknown_country_codes(code: str) -> None:
    with pytest.raises(ValueError, match="not a country code"):
        country_code(code)
