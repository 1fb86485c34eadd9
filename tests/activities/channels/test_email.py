"""E-mail, with a real mail server that fails on command."""

import dataclasses
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import trustme

from activities.channels import Message, NotDelivered
from activities.channels.email import EmailChannel, compose
from tests.support.outside import MailBehaviour, SmtpServer

SENDER = "Perdure <no-reply@salon.example>"
LINK = "https://journeys.example.com/unsubscribe/" + "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." * 8


def changed(message: Message, **fields: Any) -> Message:
    return dataclasses.replace(message, **fields)


async def refused(channel: EmailChannel, message: Message) -> NotDelivered:
    with pytest.raises(NotDelivered) as found:
        await channel.send(message)
    for personal in ("ada", "lovelace", "example.com"):
        assert personal not in str(found.value).lower()
    assert found.value.__cause__ is None  # it would be stored in histories
    return found.value


async def test_a_mail_arrives_unchanged(mail_server: SmtpServer, message: Message) -> None:
    message = changed(
        message,
        subject="Grüße, Ada",
        text="Hällo Ada,\n\n.\nFrom here on: 100 %\n" + "long " * 300 + "\n",
        unsubscribe_url=LINK,
        sender_name="Bücher & Söhne, Salon",
        reply_to="hello@salon.example",
    )
    receipt = await EmailChannel(mail_server.url, SENDER).send(message)

    assert receipt == "250 accepted"
    [mail], [envelope] = mail_server.received, mail_server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@salon.example", ["ada.lovelace@example.com"])
    assert mail["To"] == "ada.lovelace@example.com"
    assert mail["From"].addresses[0].display_name == "Bücher & Söhne, Salon"
    assert mail["From"].addresses[0].addr_spec == "no-reply@salon.example"
    assert mail["Reply-To"] == "hello@salon.example"
    assert mail["Subject"] == "Grüße, Ada"
    assert mail["Message-ID"] == f"<{message.id}@salon.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert abs(parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 60
    assert mail["MIME-Version"] == "1.0"
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    assert text == message.text
    assert html == f"{message.html}\n"


async def test_a_long_link_is_not_folded_in_its_header(mail_server: SmtpServer, message: Message) -> None:
    await EmailChannel(mail_server.url, SENDER).send(changed(message, unsubscribe_url=LINK))
    content = mail_server.envelopes[0].content
    assert isinstance(content, bytes)
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in content
    assert max(map(len, content.split(b"\r\n"))) < 998


async def test_a_repeated_message_has_the_same_message_id(mail_server: SmtpServer, message: Message) -> None:
    channel = EmailChannel(mail_server.url, SENDER)
    await channel.send(message)
    await channel.send(changed(message, subject="Changed meanwhile"))
    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_mail_without_html_is_plain_text(mail_server: SmtpServer, message: Message) -> None:
    await EmailChannel(mail_server.url, SENDER).send(changed(message, html=None))
    assert mail_server.received[0].get_content_type() == "text/plain"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x00", "\x0b"])
async def test_a_line_break_cannot_inject_a_header(mail_server: SmtpServer, message: Message, ending: str) -> None:
    evil = f"Ada{ending}Bcc: everybody@example.com{ending}{ending}<b>body</b>"
    sent = changed(message, subject=evil, sender_name=evil, unsubscribe_url=f"{LINK}{ending}X-Evil: 1")
    await EmailChannel(mail_server.url, SENDER).send(sent)
    [mail] = mail_server.received
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert "Bcc: everybody@example.com" in mail["Subject"]
    assert mail_server.envelopes[0].rcpt_tos == ["ada.lovelace@example.com"]
    assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nRCPT TO:<eve@example.com>",
        "ada@example.com> SIZE=1",
        "ada@example.com,eve@example.com",
        "ada",
        "@example.com",
        "",
        "ada@",
        "ada\x00@example.com",
        "ada@" + "ü" * 80 + ".example",
    ],
)
async def test_an_invalid_address_is_final(mail_server: SmtpServer, message: Message, to: str) -> None:
    with pytest.raises(NotDelivered) as found:
        await EmailChannel(mail_server.url, SENDER).send(changed(message, to=to))
    assert found.value.final
    assert "example" not in str(found.value)
    assert mail_server.received == []


async def test_an_international_domain_is_encoded_in_ascii(mail_server: SmtpServer, message: Message) -> None:
    await EmailChannel(mail_server.url, SENDER).send(changed(message, to="ada@bücher.example"))
    assert mail_server.envelopes[0].rcpt_tos == ["ada@xn--bcher-kva.example"]


async def test_an_international_local_part_is_unchanged(mail_server: SmtpServer, message: Message) -> None:
    await EmailChannel(mail_server.url, SENDER).send(changed(message, to="jürgen@bücher.example"))
    assert mail_server.envelopes[0].rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert mail_server.received[0]["To"] == "jürgen@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("at", "answer", "final", "reason"),
    [
        ("data", "451 4.3.0 try again later", False, "SMTP 451 4.3.0 try again later"),
        ("data", "550 5.7.1 looks like spam", True, "SMTP 550 5.7.1 looks like spam"),
        ("rcpt", "450 4.2.0 <ada.lovelace@example.com>: greylisted", False, "SMTP 450 4.2.0 <…>: greylisted"),
        ("rcpt", "550 5.1.1 no mailbox Ada.Lovelace here", True, "SMTP 550 5.1.1 no mailbox ….… here"),
        ("rcpt", "452 4.2.2 mailbox full", False, "SMTP 452 4.2.2 mailbox full"),
        ("rcpt", "552 5.2.2 mailbox full", False, "SMTP 552 5.2.2 mailbox full"),
        ("rcpt", "552 too many recipients", False, "SMTP 552 too many recipients"),
        ("data", "552 5.3.4 too large", True, "SMTP 552 5.3.4 too large"),
        ("data", "554 5.7.1 Subject 'Welcome, Ada' refused", True, "SMTP 554 5.7.1 Subject '…, …' refused"),
        ("mail", "550 5.7.1 no-reply@salon.example may not send", False, "SMTP 550 5.7.1 … may not send"),
        ("mail", "421 4.7.0 too many from 192.168.100.200", False, "SMTP 421 4.7.0 too many from …"),
        ("data", "550 see https://block.example/?a=ada%40example.com", True, "SMTP 550 see …"),
        ("ehlo", "554 5.7.1 your machine is blocked", False, "SMTP 554"),
    ],
)
async def test_smtp_replies(
    mail_server: SmtpServer, message: Message, at: Any, answer: str, final: bool, reason: str
) -> None:
    mail_server.behaviour = MailBehaviour(answer, at)
    found = await refused(EmailChannel(mail_server.url, SENDER), message)
    assert (found.final, found.retry_after) == (final, None)
    assert found.reason.startswith(reason)
    assert mail_server.received == []


async def test_a_server_that_recovers(mail_server: SmtpServer, message: Message) -> None:
    mail_server.behaviour = MailBehaviour("451 4.3.0 later", times=2)
    channel = EmailChannel(mail_server.url, SENDER)
    for _ in range(2):
        assert not (await refused(channel, message)).final
    assert await channel.send(message) == "250 accepted"
    assert len(mail_server.received) == 1


async def test_a_slow_server_times_out(mail_server: SmtpServer, message: Message) -> None:
    mail_server.behaviour = MailBehaviour(delay=5)
    begun = time.monotonic()
    found = await refused(EmailChannel(mail_server.url, SENDER, timeout=0.3), message)
    assert (found.reason, found.final) == ("SMTP: timed out", False)
    assert time.monotonic() - begun < 3


async def test_no_server_listens(mail_server: SmtpServer, message: Message) -> None:
    channel = EmailChannel(mail_server.url, SENDER)
    mail_server.refuse()
    found = await refused(channel, message)
    assert (found.reason, found.final) == ("SMTP: no connection (ConnectionRefusedError)", False)
    mail_server.listen()
    assert await channel.send(message) == "250 accepted"


async def test_a_slow_quit_does_not_undo_the_delivery(mail_server: SmtpServer, message: Message) -> None:
    mail_server.behaviour = MailBehaviour(delay=0.5, at="quit")
    assert await EmailChannel(mail_server.url, SENDER, timeout=0.3).send(message) == "250 accepted"
    assert len(mail_server.received) == 1


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_starttls_is_used_if_offered(authority: trustme.CA, message: Message) -> None:
    with SmtpServer(tls=server_context(authority)) as server:
        found = await refused(EmailChannel(server.url, SENDER), message)
        assert (found.final, server.received) == (False, [])  # unknown authority
        await EmailChannel(server.url + "?verify=no", SENDER).send(message)
        assert server.secure == [True]


async def test_implicit_tls(authority: trustme.CA, message: Message) -> None:
    with SmtpServer(tls=server_context(authority), implicit=True) as server:
        assert not (await refused(EmailChannel(server.url, SENDER), message)).final
        await EmailChannel(server.url + "?verify=no", SENDER).send(message)
        assert server.secure == [True]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_user_and_password_come_from_the_url(message: Message) -> None:
    with SmtpServer(login=("mailer@salon.example", "p@ss:wörd/1")) as server:
        url = server.url.replace("://", "://mailer%40salon.example:p%40ss%3Aw%C3%B6rd%2F1@")
        assert await EmailChannel(url, SENDER).send(message) == "250 accepted"
        assert server.users == ["mailer@salon.example"]
        wrong = await refused(EmailChannel(server.url.replace("://", "://mailer:secret@"), SENDER), message)
        assert not wrong.final  # an operator can fix it
        assert "secret" not in wrong.reason


def test_a_password_is_never_sent_in_clear_to_another_machine() -> None:
    assert EmailChannel("smtp://user:word@mail.example.com", SENDER)._start_tls is True
    assert EmailChannel("smtp://mail.example.com", SENDER)._start_tls is None
    assert EmailChannel("smtp://user:word@127.0.0.1", SENDER)._start_tls is None


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example.com", SENDER),
        ("smtp://", SENDER),
        ("mail.example.com:25", SENDER),
        ("smtp://mail.example.com/path", SENDER),
        ("smtp://mail.example.com:smtp", SENDER),
        ("smtp://[", SENDER),
        ("smtp://mail.example.com?verify=maybe", SENDER),
        ("smtp://mail.example.com?tls=no", SENDER),
        ("smtp://mail.example.com", "Perdure"),
        ("smtp://mail.example.com", ""),
        ("smtp://mail.example.com", "a b@example.com, c@example.com"),
    ],
)
def test_invalid_settings(url: str, sender: str) -> None:
    with pytest.raises(ValueError, match=r"SMTP_URL|MAIL_FROM"):
        EmailChannel(url, sender)


def test_a_message_has_no_personal_data_in_its_repr(message: Message) -> None:
    assert "ada" not in repr(message).lower()
    assert "c-1001" not in message.id


def test_a_long_subject_is_cut(message: Message) -> None:
    mail = compose(changed(message, subject="é" * 5000), SENDER)
    assert len(mail["Subject"]) == 200
    assert max(map(len, mail.as_bytes().split(b"\r\n"))) < 998
