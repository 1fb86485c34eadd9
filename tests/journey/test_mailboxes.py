"""Normal forms of e-mail addresses and phone numbers."""

import pytest

from journey.mailboxes import normalized_address


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("family@example.com", "family@example.com"),
        (" Family@EXAMPLE.com", "family@example.com"),
        ("ada@Straße.example", "ada@xn--strae-oqa.example"),
        ("ada@XN--STRAE-OQA.example", "ada@xn--strae-oqa.example"),
        ("A\u030asa@example.org", "åsa@example.org"),
        ("ada@\u2028ü.example", "ada@\u2028ü.example"),  # not a valid domain
        ("+49 (0)30 123456", "+4930123456"),
        ("+49-30/123456", "+4930123456"),
        ("030 123456", "030123456"),
        ("\u202a+49\u00a030\u00a0123456\u202c", "+4930123456"),
        ("0049 30 123456", "+4930123456"),
        ("(030) 123456 ext. 5", "030123456"),
        ("call me", None),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_are_normalized(text: str | None, normal: str | None) -> None:
    assert normalized_address(text) == normal
