"""E-mail over SMTP."""

import asyncio
import contextlib
import ipaddress
import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate, parseaddr
from typing import ClassVar, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import aiosmtplib

from activities.channels import FileFormat, Message, MessageChannel, NotDelivered, SettingValues
from activities.channels.text import one_line, redacted
from journey.channels import ChannelSpec
from journey.email_addresses import ascii_domain

TIMEOUT = 30.0  # seconds for a whole delivery
MAX_SUBJECT = 200  # characters
MAX_HEADER = 900  # characters; RFC 5322 allows 998 per line
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\s*(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x20\x7f<>]")
_UNQUOTED = re.compile(r"[^\s\"(),:;<>@\[\]\\]+")
_FULL_MAILBOX = "5.2.2"


class _Policy(EmailPolicy):
    """Keep list headers unfolded: the library would encode their long links, which mail clients cannot follow."""

    def _is_list_header(self, name: str) -> bool:
        return name.lower().startswith("list-")

    def fold(self, name: str, value: str) -> str:
        return f"{name}: {value}{self.linesep}" if self._is_list_header(name) else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode() if self._is_list_header(name) else super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def compose(message: Message, mail_from: str) -> EmailMessage:
    """Compose the message as an e-mail. Raises NotDelivered (final) for an invalid address."""
    sender_name, sender_address = parseaddr(mail_from)
    mail = EmailMessage(policy=_POLICY if message.to.rpartition("@")[0].isascii() else _POLICY.clone(utf8=True))
    try:
        mail["From"] = _address(sender_address, one_line(message.sender_name or sender_name))
        mail["To"] = _address(message.to)
        if message.reply_to:
            mail["Reply-To"] = _address(message.reply_to)
    except (MessageError, ValueError, IndexError, UnicodeError):
        raise NotDelivered("invalid e-mail address", final=True) from None
    mail["Subject"] = one_line(message.subject, MAX_SUBJECT)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.id}@{ascii_domain(sender_address.rpartition('@')[2])}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url:  # RFC 8058: the mail program's own unsubscribe button
        mail["List-Unsubscribe"] = one_line(f"<{message.unsubscribe_url}>", MAX_HEADER)
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text, cte="quoted-printable")
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


class EmailChannel:
    """Send through the server of ``SMTP_URL``.

    ``smtp://[user:password@]host[:port]`` uses STARTTLS if the server offers it, and requires it to send a password to
    another machine; ``smtps://…`` uses TLS from the start. ``?verify=no`` accepts any certificate.

    Raises:
        ValueError: The URL or the sender's address is invalid.
    """

    spec: ClassVar = ChannelSpec(
        name="email",
        label="e-mail",
        messages="e-mails",
        audiences=frozenset({"customers", "staff"}),
        address_field="email",
        address_label="e-mail address",
        template_parts=("subject", "html", "text"),
        setting="smtp_url",
    )

    def __init__(self, smtp_url: str, mail_from: str, *, timeout: float = TIMEOUT) -> None:
        parts, port = _split(smtp_url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…")
        if options.keys() - {"verify"} or options.get("verify", "yes") not in ("yes", "no"):
            raise ValueError("SMTP_URL: the only option is verify=yes or verify=no")
        self._mail_from, self._sender, self._timeout = mail_from, sender_of(mail_from), timeout
        secure = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, port or (465 if secure else 587 if parts.username else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._secure, self._verify = secure, options.get("verify", "yes") == "yes"
        must_encrypt = self._user is not None and not _is_this_machine(self._host)
        self._start_tls = False if secure else True if must_encrypt else None

    @classmethod
    def from_settings(cls, settings: SettingValues) -> Self:
        return cls(settings["smtp_url"], settings["mail_from"])

    @classmethod
    def file_format(cls, settings: SettingValues) -> FileFormat:
        mail_from = settings["mail_from"]
        sender_of(mail_from)
        return FileFormat("eml", lambda message: compose(message, mail_from).as_bytes())

    async def send(self, message: Message) -> str:
        """Deliver the message and return ``250 accepted``. Raises NotDelivered: final for permanent rejections."""
        mail = compose(message, self._mail_from)
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await _hand_over(client, self._sender, message, mail)
        except TimeoutError:  # also raised by the library
            raise NotDelivered("SMTP: timed out") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0], message) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, message) from None
        except aiosmtplib.SMTPNotSupported:
            missing, final = (
                ("STARTTLS or AUTH", False) if _address(message.to).addr_spec.isascii() else ("SMTPUTF8", True)
            )
            raise NotDelivered(f"SMTP: the server does not support {missing}", final=final) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"SMTP: no connection ({type(error.__cause__ or error).__name__})") from None
        else:
            await _quit(client)  # outside of the timeout: the message has been accepted
            return "250 accepted"
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._secure,
            start_tls=self._start_tls,
            validate_certs=self._verify,
            timeout=self._timeout,
        )


CHANNEL: type[MessageChannel] = EmailChannel


def sender_of(mail_from: str) -> str:
    """Return the bare address of MAIL_FROM. Raises ValueError if it has none."""
    address = parseaddr(mail_from)[1]
    try:
        return _address(address).addr_spec
    except (MessageError, ValueError, IndexError):
        raise ValueError("MAIL_FROM must be an address like Perdure <no-reply@example.com>") from None


async def _hand_over(client: aiosmtplib.SMTP, sender: str, message: Message, mail: EmailMessage) -> None:
    to = _address(message.to).addr_spec
    options = [] if to.isascii() else ["SMTPUTF8"]
    # not the library's `send_message`, which would fold the headers again with its own policy
    await client.sendmail(sender, [to], mail.as_bytes(), mail_options=options)


async def _quit(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        async with asyncio.timeout(2):
            await client.quit()


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise ValueError(f"SMTP_URL: {error}") from None


def _refused(error: aiosmtplib.SMTPResponseException, message: Message) -> NotDelivered:
    """Describe the server's reply by its codes and text, without anything it repeats from the message."""
    match = _STATUS.match(error.message)
    status, text = (match[1], match[2]) if match else ("", error.message)
    text = redacted(text, message.to, message.subject)
    reason = " ".join(filter(None, ("SMTP", str(error.code), status, text)))
    return NotDelivered(reason, final=_is_final(error, status))


def _is_final(error: aiosmtplib.SMTPResponseException, status: str) -> bool:
    """Return whether the rejection concerns this message. A wrong password or a blocked machine can be fixed."""
    configuration_errors = (
        aiosmtplib.SMTPConnectResponseError,
        aiosmtplib.SMTPHeloError,
        aiosmtplib.SMTPAuthenticationError,
        aiosmtplib.SMTPSenderRefused,
    )
    if isinstance(error, configuration_errors) or error.code in (530, 534, 535, 538):
        return False
    if error.code == 552:  # too many recipients (RFC 5321), a full mailbox (temporary), or a message too large
        return isinstance(error, aiosmtplib.SMTPDataError) and status != _FULL_MAILBOX
    return error.code >= 500 and status != _FULL_MAILBOX


def _address(text: str, display_name: str = "") -> Address:
    """Parse an address; its domain becomes ASCII. Raises ValueError, UnicodeError or MessageError if it is invalid."""
    local, _, domain = text.rpartition("@")
    if not (local and domain) or _CONTROL.search(text):
        raise ValueError("not an e-mail address")
    domain = ascii_domain(domain)
    if local.isascii():
        return Address(display_name, addr_spec=f"{local}@{domain}")
    if not _UNQUOTED.fullmatch(local):
        raise ValueError("not an e-mail address")
    return Address(display_name, local, domain)  # the library accepts such a local part only separately


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
