"""Every message is kept as its channel got it, without the links with which one can act as the customer."""

import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.sent_messages import MASK
from contracts import names
from contracts.messages import RequestAction
from db.connections import Pool
from db.outreach import sent_messages
from settings import Settings
from tests.support.outside import HttpServer, MailBehaviour, SmtpServer
from tests.support.workflow_acting import SECRET, actions, execute, known, staff, statuses
from tests.support.workflow_life import Life
from worker import build_worker

TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.IGNORECASE)


@pytest_asyncio.fixture
async def sending(
    client: Client, pool: Pool, smtp: SmtpServer, http: HttpServer, tmp_path: Path
) -> AsyncIterator[None]:
    sms_url = http.url.replace("http://", "http://sid:token@") + "/sms?From=%2B49301"
    settings = Settings(link_secret=SECRET, outbox=str(tmp_path), smtp_url=smtp.url, sms_url=sms_url)
    async with build_worker(client, pool, settings):
        yield


async def kept(life: Life, pool: Pool) -> dict[str, dict[str, Any]]:
    """Return what the list shows of each message, by its action."""
    page = await sent_messages.list_messages(pool, life.company, life.customer, ["email", "sms"], 50, None)
    assert page is not None
    return {message["action"]: message for message in orjson.loads(page[0])}


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def without_tokens(text: str) -> str:
    """Return the text as it is kept; there must be a token in it."""
    masked = TOKEN.sub(MASK, text.replace("\r\n", "\n"))
    assert masked != text
    return masked


def assert_equals_mail(message: dict[str, Any], mail: EmailMessage) -> None:
    assert (message["to"], message["subject"]) == (mail["To"], mail["Subject"])
    assert mail["Message-ID"].startswith(f"<{message['message_id']}@")
    assert message["text"] == without_tokens(part(mail, "plain"))
    assert message["html"].strip() == without_tokens(part(mail, "html")).strip()


@pytest.mark.usefixtures("sending")
async def test_what_the_mail_server_got_is_kept(life: Life, pool: Pool, smtp: SmtpServer) -> None:
    known(life, name="Ada <b>Ünal</b> & Söhne 🎈", locale="de")
    staff(life, "manager", "Mara")
    smtp.behaviour = MailBehaviour(answer="451 4.3.0 later", times=1)  # the second attempt succeeds
    html, text = "<p>{{ name }}: {{ unsubscribe_url | upper }}</p>", "{{ offer_code }} {{ unsubscribe_url }}"
    execute(
        life,
        "insert into message_templates (company_id, name, locale, subject, html, text)"
        " values (%s, 'centre_offer', 'de', %s, %s, %s)",
        *(life.company, "Für {{ name }}", html, text),
    )
    await life.lived(life.visit(-0.01))
    await life.until(lambda: statuses(life).get("create_feedback_request") == "succeeded")
    await life.handle.execute_update(names.REQUEST_ACTION_UPDATE, RequestAction("offer"))
    await life.until(lambda: any(name.startswith("centre_offer") for name in statuses(life)))
    offer = next(name for name in statuses(life) if name.startswith("centre_offer"))
    await life.until(lambda: statuses(life)[offer] == "succeeded")

    messages = await kept(life, pool)
    mails = {mail["Message-ID"].split("@")[0].strip("<"): mail for mail in smtp.received}
    assert {message["message_id"] for message in messages.values()} == set(mails)
    assert "send_onboarding_sequence" in messages  # and the welcome of a lead
    for message in messages.values():
        assert_equals_mail(message, mails[message["message_id"]])
        assert (message["kept"], message["audience"], message["allowed_by"]) == (True, "customers", "profile_consent")
        assert message["performed_by"] is None
    detail = actions(life)[offer]["detail"]
    assert messages[offer]["offer"] == {"code": detail["code"], "valid_until": detail["valid_until"]}
    assert messages[offer]["text"] == f"{detail['code']} http://127.0.0.1:8000/u/{MASK}\n"
    assert messages[offer]["html"] == (
        f"<p>Ada &lt;b&gt;Ünal&lt;/b&gt; &amp; Söhne 🎈: HTTP://127.0.0.1:8000/U/{MASK}</p>"
        f'<p><a href="http://127.0.0.1:8000/u/{MASK}">Unsubscribe</a></p>'
    )
    for row in life.rows("select * from sent_messages where company_id = %(company)s"):
        assert not TOKEN.search(str(row))


@pytest.mark.usefixtures("sending")
async def test_text_messages_and_messages_to_staff_are_kept(
    life: Life, pool: Pool, smtp: SmtpServer, http: HttpServer
) -> None:
    known(life)
    staff(life, "manager", "Mara")
    plan = {"quiet_from": "00:00", "quiet_to": "00:00", "campaign": [{"type": "sms", "day": 0}]}
    execute(
        life,
        "update companies set settings = %s where id = %s",
        *(orjson.dumps({"outreach": plan}).decode(), life.company),
    )
    await life.lived(life.visit(-90.01))
    await life.until(lambda: statuses(life).get("campaign_sms") == "succeeded")
    await life.until(lambda: statuses(life).get("notify_account_manager") == "succeeded")
    messages = await kept(life, pool)
    sms, note = messages["campaign_sms"], messages["notify_account_manager"]
    (form,) = [request.form for request in http.received if request.path == "/sms"]
    assert (sms["to"], sms["channel"], sms["html"]) == (form["To"], "sms", None)
    assert sms["text"] == without_tokens(form["Body"])
    (mail,) = [mail for mail in smtp.received if mail["To"] == "mara@salon.example"]
    assert (note["audience"], note["allowed_by"], note["to"]) == ("staff", "to_staff", "mara@salon.example")
    assert note["text"] == part(mail, "plain").replace("\r\n", "\n")


@pytest.mark.usefixtures("sending")
async def test_a_message_that_was_not_sent_is_not_kept(life: Life, pool: Pool, smtp: SmtpServer) -> None:
    known(life)
    smtp.behaviour = MailBehaviour(answer="550 5.1.1 no such user")
    await life.lived(life.call())
    await life.until(lambda: statuses(life).get("send_welcome_email") == "failed")
    assert await kept(life, pool) == {}
