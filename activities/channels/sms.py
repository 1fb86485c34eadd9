"""SMS by an HTTP form POST in the format of Twilio's API."""

import asyncio
import re
import ssl
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import httpx2
import orjson

from activities.channels import FileFormat, Message, MessageChannel, NotDelivered, SettingValues
from activities.channels.http_responses import retry_after
from activities.channels.text import plain_lines
from journey import phone_numbers
from journey.channels import ChannelSpec

TIMEOUT = 20.0  # seconds for a whole delivery
MAX_BODY = 1600  # characters; Twilio's limit
MAX_RESPONSE = 64 * 1024  # bytes read of a response
#: Temporary, or fixed by an operator (a wrong password or URL). Any other 4xx concerns this message.
RETRYABLE = frozenset({401, 404, 405, 407, 408, 421, 423, 425, 429})
_RECEIPT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SmsChannel:
    """Send through the gateway of ``SMS_URL``: ``https://user:password@host/path?From=%2B15550100``.

    Each parameter of the URL becomes a form field, in addition to ``To`` and ``Body``.

    Raises:
        ValueError: The URL is invalid.
    """

    spec: ClassVar = ChannelSpec(
        name="sms",
        label="SMS",
        messages="text messages",
        audiences=frozenset({"customers"}),
        address_field="phone",
        address_label="phone number",
        template_parts=("text",),
        max_text=MAX_BODY,
        setting="sms_url",
    )

    def __init__(self, sms_url: str, *, timeout: float = TIMEOUT, tls: ssl.SSLContext | None = None) -> None:
        try:
            parts = urlsplit(sms_url)
            self._url = httpx2.URL(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
        except (ValueError, httpx2.InvalidURL):
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("SMS_URL must be https://[user:password@]host/path?From=number")
        self._fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._timeout, self._tls = timeout, tls or httpx2.create_ssl_context()

    @classmethod
    def from_settings(cls, settings: SettingValues) -> Self:
        return cls(settings["sms_url"])

    @classmethod
    def file_format(cls, settings: SettingValues) -> FileFormat:  # needs none
        return FileFormat("txt", _as_text_file)

    async def send(self, message: Message) -> str:
        """Deliver the message; the receipt is the HTTP status and the gateway's message id, if it returns one."""
        form = {**self._fields, "To": normalized_number(message.to), "Body": plain_lines(message.text)[:MAX_BODY]}
        try:
            async with asyncio.timeout(self._timeout):
                status, headers, body = await self._post(form, message.id)
        except (TimeoutError, httpx2.TimeoutException):
            raise NotDelivered("SMS gateway: timed out") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise NotDelivered(f"SMS gateway: no connection ({type(error).__name__})") from None
        fields = _json_object(body)
        if 200 <= status < 300:
            sid = fields.get("sid")
            return f"{status} {sid}" if isinstance(sid, str) and _RECEIPT.fullmatch(sid) else f"{status} accepted"
        code = fields.get("code")  # not the gateway's message, which often repeats the number
        reason = f"SMS gateway: HTTP {status}" + (f", code {code}" if type(code) is int else "")
        final = 400 <= status < 500 and status not in RETRYABLE
        raise NotDelivered(reason, final=final, retry_after=None if final else retry_after(headers))

    async def _post(self, form: dict[str, str], message_id: str) -> tuple[int, httpx2.Headers, bytes]:
        async with (
            httpx2.AsyncClient(
                verify=self._tls, auth=self._auth, timeout=self._timeout, follow_redirects=False
            ) as client,
            client.stream("POST", self._url, data=form, headers={"I-Twilio-Idempotency-Token": message_id}) as response,
        ):
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE:
                    break
            return response.status_code, response.headers, body


CHANNEL: type[MessageChannel] = SmsChannel


def normalized_number(number: str) -> str:
    """Normalize a phone number, as `journey.phone_numbers` does. Raises NotDelivered (final) for an invalid number."""
    try:
        return phone_numbers.normalized_number(number)
    except ValueError as error:
        raise NotDelivered(str(error), final=True) from None


def _as_text_file(message: Message) -> bytes:
    return f"To: {normalized_number(message.to)}\n\n{plain_lines(message.text)}\n".encode()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}
