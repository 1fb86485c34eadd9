"""SMS by an HTTP form post in Twilio's shape."""

import asyncio
import re
import ssl
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import httpx2
import orjson
import phonenumbers

from activities.channels import Message, NotDelivered
from activities.channels.answers import retry_after
from activities.channels.text import plain_lines

TIMEOUT = 20.0  # seconds for a whole delivery
LONGEST_BODY = 1600  # characters; Twilio takes no more
LONGEST_ANSWER = 64 * 1024  # bytes that are read of an answer
#: What is for the operator to mend (a password, an address) or will pass; every other 4xx is about this message.
PASSING = frozenset({401, 404, 405, 407, 408, 421, 423, 425, 429})
_RECEIPT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SmsChannel:
    """Sends by the gateway of ``SMS_URL``: ``https://user:password@host/path?From=%2B15550100``.

    Each parameter of the URL becomes a field of the form, beside ``To`` and ``Body``. Raises ValueError for another
    URL.
    """

    name = "sms"

    def __init__(self, sms_url: str, *, timeout: float = TIMEOUT, tls: ssl.SSLContext | None = None) -> None:
        try:
            parts = urlsplit(sms_url)
            self._url = httpx2.URL(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
        except (ValueError, httpx2.InvalidURL):
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("SMS_URL: https://[user:password@]host/path?From=number")
        self._fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._timeout, self._tls = timeout, tls or httpx2.create_ssl_context()

    async def send(self, message: Message) -> str:
        """Deliver; the status and, where it is given, the gateway's own id of the message."""
        form = {**self._fields, "To": dialled(message.to), "Body": plain_lines(message.text)[:LONGEST_BODY]}
        try:
            async with asyncio.timeout(self._timeout):
                status, headers, body = await self._post(form, message.id)
        except (TimeoutError, httpx2.TimeoutException):
            raise NotDelivered("SMS gateway: no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise NotDelivered(f"SMS gateway: no connection ({type(error).__name__})") from None
        said = _fields_of(body)
        if 200 <= status < 300:
            sid = said.get("sid")
            return f"{status} {sid}" if isinstance(sid, str) and _RECEIPT.fullmatch(sid) else f"{status} accepted"
        code = said.get("code")  # the gateway's own; its message often repeats the number
        reason = f"SMS gateway: HTTP {status}" + (f", code {code}" if type(code) is int else "")
        final = 400 <= status < 500 and status not in PASSING
        raise NotDelivered(reason, final=final, retry_after=None if final else retry_after(headers))

    async def _post(self, form: dict[str, str], message_id: str) -> tuple[int, httpx2.Headers, bytes]:
        async with (
            httpx2.AsyncClient(
                verify=self._tls, auth=self._auth, timeout=self._timeout, follow_redirects=False
            ) as client,
            client.stream("POST", self._url, data=form, headers={"I-Twilio-Idempotency-Token": message_id}) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    break
            return answer.status_code, answer.headers, body


def dialled(number: str) -> str:
    """The number as a gateway wants it: E.164 where it has its country's prefix, else without what divides it.

    Raises NotDelivered (final) for what is no number.
    """
    digits = re.sub(r"[ ()./-]", "", number)
    if not re.fullmatch(r"\+?[0-9]{3,20}", digits):  # the library would read letters, too
        raise NotDelivered("a phone number that cannot be one", final=True)
    if not digits.startswith("+"):
        return digits
    try:
        parsed = phonenumbers.parse(number)  # knows that the (0) in +49 (0)30 is not dialled
    except phonenumbers.NumberParseException:
        raise NotDelivered("a phone number that cannot be one", final=True) from None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _fields_of(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
