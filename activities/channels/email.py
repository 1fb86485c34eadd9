"""E-mail by SMTP."""

import asyncio
import contextlib
import ipaddress
import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate, parseaddr
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import aiosmtplib

from activities.channels import Message, NotDelivered
from activities.channels.text import one_line, redacted

TIMEOUT = 30.0  # seconds for a whole delivery
LONGEST_SUBJECT = 200
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\s*(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x20\x7f<>]")
_UNQUOTED = re.compile(r"[^\s\"(),:;<>@\[\]\\]+")
_FULL_MAILBOX = "5.2.2"


class _Policy(EmailPolicy):
    """The library would put the long links of list headers into encoded words, which no mail client follows."""

    def _is_list_header(self, name: str) -> bool:
        return name.lower().startswith("list-")

    def fold(self, name: str, value: str) -> str:
        return f"{name}: {value}{self.linesep}" if self._is_list_header(name) else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode() if self._is_list_header(name) else super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def composed(message: Message, mail_from: str) -> EmailMessage:
    """The message as e-mail. Raises NotDelivered (final) where an address cannot be one."""
    own_name, own_address = parseaddr(mail_from)
    mail = EmailMessage(policy=_POLICY if message.to.rpartition("@")[0].isascii() else _POLICY.clone(utf8=True))
    try:
        mail["From"] = _address(own_address, one_line(message.sender_name or own_name))
        mail["To"] = _address(message.to)
        if message.reply_to:
            mail["Reply-To"] = _address(message.reply_to)
    except (MessageError, ValueError, IndexError, UnicodeError):
        raise NotDelivered("an address that no e-mail can have", final=True) from None
    mail["Subject"] = one_line(message.subject, LONGEST_SUBJECT)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.id}@{own_address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in message.headers.items():
        mail[name] = one_line(value, 900)  # a line of a mail has at most 998 characters
    mail.set_content(message.text, cte="quoted-printable")
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


class EmailChannel:
    """Sends by the server of ``SMTP_URL``.

    ``smtp://[user:password@]host[:port]``: encrypted when the server offers it, and only then when there is a password
    and the server is another machine; ``smtps://…``: encrypted from the first byte. ``?verify=no`` takes any
    certificate. Raises ValueError for another URL or sender.
    """

    name = "email"

    def __init__(self, smtp_url: str, mail_from: str, *, timeout: float = TIMEOUT) -> None:
        parts, port = _split(smtp_url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("SMTP_URL: smtp://[user:password@]host[:port] or smtps://…")
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

    async def send(self, message: Message) -> str:
        """Deliver; ``250 accepted``. What the server refuses for good is final, all else may be tried again."""
        mail = composed(message, self._mail_from)
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await _hand_over(client, self._sender, message, mail)
        except TimeoutError:  # the library's timeouts too
            raise NotDelivered("SMTP: no answer in time") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0], message) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, message) from None
        except aiosmtplib.SMTPNotSupported:
            what, final = ("STARTTLS or AUTH", False) if message.to.isascii() else ("SMTPUTF8", True)
            raise NotDelivered(f"SMTP: the server cannot do what is needed: {what}", final=final) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"SMTP: no connection ({type(error.__cause__ or error).__name__})") from None
        else:
            await _leave(client)  # outside of the time limit: the message is accepted, whatever happens now
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


def sender_of(mail_from: str) -> str:
    """The bare address of MAIL_FROM. Raises ValueError where there is none."""
    address = parseaddr(mail_from)[1]
    try:
        return _address(address).addr_spec
    except (MessageError, ValueError, IndexError):
        raise ValueError("MAIL_FROM: an address like Perdure <no-reply@example.com>") from None


async def _hand_over(client: aiosmtplib.SMTP, sender: str, message: Message, mail: EmailMessage) -> None:
    to = _address(message.to).addr_spec
    options = [] if to.isascii() else ["SMTPUTF8"]
    # not the library's `send_message`: it would fold the headers again, by a policy of its own
    await client.sendmail(sender, [to], mail.as_bytes(), mail_options=options)


async def _leave(client: aiosmtplib.SMTP) -> None:
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
    """What the server answered, with its codes, and without what it repeats of the message."""
    found = _STATUS.match(error.message)
    status, said = (found[1], found[2]) if found else ("", error.message)
    said = redacted(said, message.to, message.subject)
    reason = " ".join(filter(None, ("SMTP", str(error.code), status, said)))
    return NotDelivered(reason, final=_is_final(error, status))


def _is_final(error: aiosmtplib.SMTPResponseException, status: str) -> bool:
    """Only what is said about this message is final: a wrong password or a blocked machine is for us to mend."""
    about_us = (
        aiosmtplib.SMTPConnectResponseError,
        aiosmtplib.SMTPHeloError,
        aiosmtplib.SMTPAuthenticationError,
        aiosmtplib.SMTPSenderRefused,
    )
    if isinstance(error, about_us) or error.code in (530, 534, 535, 538):
        return False
    if error.code == 552:  # too many recipients (RFC 5321) or a full mailbox, which is emptied one day; or too large
        return isinstance(error, aiosmtplib.SMTPDataError) and status != _FULL_MAILBOX
    return error.code >= 500 and status != _FULL_MAILBOX


def _address(text: str, shown: str = "") -> Address:
    """The address with its domain in ASCII. Raises ValueError, UnicodeError or MessageError for what is none."""
    local, _, domain = text.rpartition("@")
    if not (local and domain) or _CONTROL.search(text):
        raise ValueError("no address")
    domain = domain if domain.isascii() else domain.encode("idna").decode()
    if local.isascii():
        return Address(shown, addr_spec=f"{local}@{domain}")
    if not _UNQUOTED.fullmatch(local):
        raise ValueError("no address")
    return Address(shown, local, domain)  # the library takes such a name only in parts


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
