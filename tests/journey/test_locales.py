"""Language tags are stored as BCP 47 writes them."""

import re

import pytest

from activities.rendering import fallbacks
from journey.locales import TEMPLATE_LOCALE, normalized_locale


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-at", "de-AT"),
        ("EN-gb", "en-GB"),
        ("ZH-HANS-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("de-ch-1996", "de-CH-1996"),
        ("sl-ROZAJ", "sl-rozaj"),
    ],
)
def test_a_tag_is_normalized(text: str, normal: str) -> None:
    assert normalized_locale(text) == normalized_locale(normal) == normal
    assert fallbacks(text) == fallbacks(normal)


@pytest.mark.parametrize("text", ["", "german", "de_DE", "d", "de-", "de-DE\n", "../../etc", "dé"])
def test_no_tag(text: str) -> None:
    assert normalized_locale(text) is None
    assert not re.fullmatch(TEMPLATE_LOCALE, text)
