"""Texts and numbers in bodies and paths, as far as they can be stored and shown."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, StringConstraints

from journey.text import STORABLE_TEXT, is_storable

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[A-Za-z0-9\u0080-\U0010ffff-]+(\.[A-Za-z0-9\u0080-\U0010ffff-]+)+")


def printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("printable characters only")
    return text


def email(text: str) -> str:
    if not _EMAIL.fullmatch(text) or ".." in text:
        raise ValueError("an e-mail address like name@example.com")
    return text


def not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("not blank")
    return text


def storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError(STORABLE_TEXT)
    return text


def given(value: object) -> object:
    """For a field that may be left out, and has no empty value. Its default is not looked at."""
    if value is None:
        raise ValueError("leave it out where it is to stay as it is")
    return value


PersonName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(printable), AfterValidator(not_blank)
]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(printable), AfterValidator(email)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(storable)]
RowId = Annotated[int, Path(ge=1, lt=1 << 63)]
