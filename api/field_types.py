"""Validated types of fields in request bodies and paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, StringConstraints

from journey.email_addresses import EMAIL_ADDRESS, is_email_address
from journey.phone_numbers import check_number
from journey.text import SINGLE_LINE, STORABLE_TEXT, is_blank, is_single_line, is_storable, with_plain_spaces


def printable(text: str) -> str:
    """Check that all characters are printable. Raises ValueError."""
    if not text.isprintable():
        raise ValueError("printable characters only")
    return text


def single_line(text: str) -> str:
    """Check that a text is one line without control characters, and return it with plain spaces. Raises ValueError."""
    if not is_single_line(text):
        raise ValueError(SINGLE_LINE)
    return with_plain_spaces(text)


def email(text: str) -> str:
    """Check the form of an e-mail address. Raises ValueError."""
    if not is_email_address(text):
        raise ValueError(EMAIL_ADDRESS)
    return text


def phone(text: str) -> str:
    """Check that a text is a phone number as people write it. Raises ValueError."""
    check_number(text)
    return text


def not_blank(text: str) -> str:
    """Check that a text is not blank. Raises ValueError."""
    if is_blank(text):
        raise ValueError("not blank")
    return text


def storable(text: str) -> str:
    """Check that Postgres can store a text: no NUL, no lone surrogates. Raises ValueError."""
    if not is_storable(text):
        raise ValueError(STORABLE_TEXT)
    return text


def not_null(value: object) -> object:
    """Reject null in a field that may only be omitted (pydantic does not validate defaults). Raises ValueError."""
    if value is None:
        raise ValueError("null is not allowed; omit the field to leave it unchanged")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(single_line)]
PersonName = Annotated[Name, AfterValidator(not_blank)]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(email)]
Phone = Annotated[str, AfterValidator(phone)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(storable)]
RowId = Annotated[int, Path(ge=1, lt=1 << 63)]
