"""SMS, with a real web server in the format of Twilio's API that fails on command."""

import base64
import dataclasses
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from activities.channels import Message, NotDelivered
from activities.channels.http_responses import MAX_WAIT, retry_after
from activities.channels.sms import MAX_BODY, SmsChannel
from tests.support.outside import Answer, HttpServer

PATH = "/2010-04-01/Accounts/AC1/Messages.json"
PHONE = "+49 (0)30 1234567"


def channel(server: HttpServer, **given: Any) -> SmsChannel:
    url = server.url.replace("://", "://AC1:t%40ken@") + PATH + "?From=%2B15550100&StatusCallback="
    return SmsChannel(url, **given)


@pytest.fixture
def text(message: Message) -> Message:
    return dataclasses.replace(message, to=PHONE, subject="", html=None)


async def refused(channel: SmsChannel, text: Message) -> NotDelivered:
    with pytest.raises(NotDelivered) as found:
        await channel.send(text)
    for personal in ("1234567", "ada", "t@ken"):
        assert personal not in str(found.value).lower()
    assert found.value.__cause__ is None  # it would be stored in histories
    return found.value


async def test_a_form_has_twilios_format(web_server: HttpServer, text: Message) -> None:
    web_server.behaviours[PATH] = Answer(201, body=b'{"sid": "SM0123", "to": "+49301234567"}')
    assert await channel(web_server).send(text) == "201 SM0123"

    [request] = web_server.received
    assert (request.method, request.path) == ("POST", PATH)
    assert request.form == {"To": "+49301234567", "From": "+15550100", "StatusCallback": "", "Body": text.text}
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:t@ken").decode()
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["i-twilio-idempotency-token"] == text.id


@pytest.mark.parametrize(
    ("number", "dialled"),
    [("+1 555-010-0123", "+15550100123"), ("030 / 12 34-567", "0301234567"), ("+39 06 1234 5678", "+390612345678")],
)
async def test_numbers_are_normalized(web_server: HttpServer, text: Message, number: str, dialled: str) -> None:
    assert await channel(web_server).send(dataclasses.replace(text, to=number)) == "200 accepted"
    assert web_server.received[0].form["To"] == dialled


@pytest.mark.parametrize("number", ["", "+", "+49", "nobody", "12", "1&Body=evil", "+49 30 x"])
async def test_an_invalid_number_is_final(web_server: HttpServer, text: Message, number: str) -> None:
    found = await refused(channel(web_server), dataclasses.replace(text, to=number))
    assert found.final
    assert web_server.received == []


async def test_control_characters_are_removed(web_server: HttpServer, text: Message) -> None:
    evil = "Hello Ada\x00\x1b[31m\u202e&To=+1555&From=Bank\r\nBody: \ud800 \N{FAMILY}" + "x" * 5000
    await channel(web_server).send(dataclasses.replace(text, text=evil))
    form = web_server.received[0].form
    assert form["To"] == "+49301234567"
    assert form["From"] == "+15550100"
    assert form["Body"].startswith("Hello Ada[31m&To=+1555&From=Bank\nBody:  \N{FAMILY}xxx")
    assert len(form["Body"]) == MAX_BODY


@pytest.mark.parametrize(
    ("answer", "final", "reason", "wait"),
    [
        (
            Answer(400, body=b'{"code": 21211, "message": "+49301234567 is no number of Ada"}'),
            True,
            "400, code 21211",
            None,
        ),
        (Answer(403), True, "403", None),
        (Answer(400, {"Retry-After": "5"}), True, "400", None),
        (Answer(401, body=b'{"code": "+49301234567"}'), False, "401", None),
        (Answer(404), False, "404", None),
        (Answer(429, {"Retry-After": "120"}), False, "429", 120.0),
        (Answer(500, body=b"+49301234567 <html>"), False, "500", None),
        (Answer(503, {"Retry-After": "soon"}), False, "503", None),
        (Answer(302, {"Location": "http://127.0.0.1:1/elsewhere"}), False, "302", None),
        (Answer(400, body=b"[" * 100_000), True, "400", None),
    ],
)
async def test_gateway_responses(
    web_server: HttpServer, text: Message, answer: Answer, final: bool, reason: str, wait: float | None
) -> None:
    web_server.behaviours[PATH] = answer
    found = await refused(channel(web_server), text)
    assert (found.reason, found.final, found.retry_after) == (f"SMS gateway: HTTP {reason}", final, wait)
    assert len(web_server.received) == 1


async def test_a_redirect_is_not_followed(web_server: HttpServer, text: Message) -> None:
    web_server.behaviours[PATH] = Answer(307, {"Location": f"{web_server.url}/elsewhere"})
    await refused(channel(web_server), text)
    assert [request.path for request in web_server.received] == [PATH]


async def test_a_slow_gateway_times_out(web_server: HttpServer, text: Message) -> None:
    web_server.behaviours[PATH] = Answer(delay=3)
    begun = time.monotonic()
    found = await refused(channel(web_server, timeout=0.3), text)
    assert (found.reason, found.final) == ("SMS gateway: timed out", False)
    assert time.monotonic() - begun < 2


async def test_an_endless_response_is_cut(web_server: HttpServer, text: Message) -> None:
    web_server.behaviours[PATH] = Answer(201, endless=True)
    assert await channel(web_server, timeout=10).send(text) == "201 accepted"


async def test_no_gateway_listens(web_server: HttpServer, text: Message) -> None:
    web_server.refuse()
    found = await refused(channel(web_server), text)
    assert (found.reason, found.final) == ("SMS gateway: no connection (ConnectError)", False)
    web_server.listen()
    assert await channel(web_server).send(text) == "200 accepted"


async def test_a_gateway_that_recovers(web_server: HttpServer, text: Message) -> None:
    web_server.behaviours[PATH] = Answer(500, times=1)
    await refused(channel(web_server), text)
    await channel(web_server).send(text)
    first, second = web_server.received
    assert first.headers["i-twilio-idempotency-token"] == second.headers["i-twilio-idempotency-token"]


@pytest.mark.parametrize(
    "url", ["", "sms.example.com", "smtp://sms.example.com", "https://", "https://[/", "http://x:y/"]
)
def test_an_invalid_setting(url: str) -> None:
    with pytest.raises(ValueError, match="SMS_URL"):
        SmsChannel(url)


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, MAX_WAIT),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300.0),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=50), usegmt=True), MAX_WAIT),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("Mon, 99 Jan 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds
    assert retry_after({}, NOW) is None
