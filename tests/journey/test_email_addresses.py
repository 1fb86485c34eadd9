"""E-mail addresses: the domain by IDNA 2008, and one definition of what is accepted and what can be sent to."""

import pytest

from activities.channels import Message
from activities.channels.email import compose
from api.field_types import email
from journey.email_addresses import ascii_domain, is_email_address
from journey.outreach import InvalidOutreach, outreach_from

ATOM = "!#$%&'*+/=?^_`{|}~-"
GOOD = {
    "ada@example.com": "ada@example.com",
    "Ada.B+news@sub.Example.com": "Ada.B+news@sub.Example.com",
    f"{ATOM}a@example.com": f"{ATOM}a@example.com",
    "ada@straße.example": "ada@xn--strae-oqa.example",
    "ada@BÜCHER.example": "ada@xn--bcher-kva.example",
    "ada@xn--strae-oqa.example": "ada@xn--strae-oqa.example",
    "ada@ab--cd.example": "ada@ab--cd.example",
    "jürgen@bücher.example": "jürgen@xn--bcher-kva.example",
    "ada@مثال.example": "ada@xn--mgbh0fb.example",
    f"{'a' * 64}@example.com": f"{'a' * 64}@example.com",
    f"ada@{'a' * 63}.example": f"ada@{'a' * 63}.example",
}
BAD = [
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada@example",
    ".ada@example.com",
    "ada.@example.com",
    "a..b@example.com",
    "a b@example.com",
    "a\x01b@example.com",
    "<ada>@example.com",
    "a@b@example.com",
    "ada@example..com",
    "ada@.example.com",
    "ada@example.com.",
    "ada@-example.com",
    "ada@exa_mple.com",
    "ada@☃.example",
    "ada@xn--zzzzzz99.example",
    f"ada@{'ü' * 60}.example",
    f"ada@{'a' * 64}.example",
    f"{'a' * 65}@example.com",
    f"{'ü' * 33}@example.com",
    f"ada@{'a.' * 126}example",
]


def mail_to(address: str) -> str:
    message = Message("id-1", address, "Hello", "Hello", None)
    mail = compose(message, "Salon <no-reply@straße.example>")
    assert mail["Message-ID"] == "<id-1@xn--strae-oqa.example>"
    return str(mail["To"].addresses[0].addr_spec)


@pytest.mark.parametrize("address", GOOD)
def test_an_accepted_address_can_be_sent_to(address: str) -> None:
    assert is_email_address(address)
    assert email(address) == address
    assert outreach_from({"reply_to": address}).reply_to == address
    assert mail_to(address) == GOOD[address]


@pytest.mark.parametrize("address", BAD)
def test_an_invalid_address_is_refused_everywhere(address: str) -> None:
    assert not is_email_address(address)
    with pytest.raises(ValueError, match="an e-mail address"):
        email(address)
    if address != "ada@example":  # replies may go to a host of the company's own network
        with pytest.raises(InvalidOutreach):
            outreach_from({"reply_to": address})


def test_a_domain_is_encoded_by_idna_2008() -> None:
    assert ascii_domain("straße.example") == "xn--strae-oqa.example"
    with pytest.raises(ValueError, match="not allowed"):
        ascii_domain("☃.example")
