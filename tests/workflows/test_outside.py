"""External services refuse, are slow or unavailable: each message is sent once, or has failed with a reason."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client

from activities.channels.webhook import WebhookChannel, new_secret
from contracts import names, timeouts
from contracts.messages import RetryAction
from db.connections import Pool
from settings import Settings
from tests.support.outside import Answer, HttpServer, MailBehaviour, SmtpServer
from tests.support.workflow_acting import SECRET, actions, attempts, execute, known, staff, statuses
from tests.support.workflow_life import Life
from worker import build_worker

Working = Callable[..., Any]


@pytest.fixture
def working(client: Client, pool: Pool, smtp: SmtpServer, http: HttpServer, tmp_path: Path) -> Working:
    """A worker that sends to the two servers."""

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[None]:
        sms_url = http.url.replace("http://", "http://sid:token@") + "/sms?From=%2B49301"
        given = {"smtp_url": smtp.url, "sms_url": sms_url, "webhook_allow": f"127.0.0.1:{http.port}", **settings}
        async with build_worker(client, pool, Settings(link_secret=SECRET, outbox=str(tmp_path), **given)):
            yield

    return run


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the retry window end after three seconds instead of a day."""
    monkeypatch.setattr(timeouts, "ACTION_RETRY_WINDOW", timedelta(seconds=3))


async def finished(life: Life, action: str, *, patience: float = 30) -> dict[str, Any]:
    """Return the action's row once it is settled."""
    await life.until(lambda: statuses(life).get(action) not in (None, "pending", "waiting"), patience)
    return actions(life)[action]


async def test_messages_wait_for_an_unavailable_mail_server(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.refuse()
    async with working():
        await life.lived(life.call())
        await life.until(lambda: len(attempts(life, "send_welcome_email")) >= 2)
        assert statuses(life)["send_welcome_email"] == "pending"
        assert statuses(life)["create_follow_up_task"] == "succeeded"
        smtp.listen()
        found = await finished(life, "send_welcome_email")
    assert found["status"] == "succeeded"
    assert found["attempts"] == len(attempts(life, "send_welcome_email")) >= 3
    assert [mail["To"] for mail in smtp.received] == ["ada@example.com"]


async def test_a_slow_mail_server_delays_no_event(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.behaviour = MailBehaviour(delay=4)
    async with working():
        await life.lived(life.call())
        began = time.monotonic()
        await life.lived(life.call(), life.visit())
        assert time.monotonic() - began < 3
        assert smtp.received == []
        await life.until(lambda: len(smtp.received) == 3)


async def test_a_repeated_message_has_the_same_id(life: Life, smtp: SmtpServer, working: Working) -> None:
    """The server accepts it but answers too late, so it is sent again, with the same message id."""
    known(life)
    smtp.behaviour = MailBehaviour(answer="451 4.3.0 later", times=2)
    async with working():
        await life.lived(life.call())
        await finished(life, "send_welcome_email")
    assert len({mail["Message-ID"] for mail in smtp.received}) == 1


async def test_permanently_refused_messages_have_failed(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.behaviour = MailBehaviour(answer="550 5.1.1 <ada@example.com>: no such user", at="rcpt", times=1)
    async with working():
        await life.lived(life.call())
        found = await finished(life, "send_welcome_email")
        assert (found["status"], found["attempts"]) == ("failed", 1)
        assert "550" in found["last_error"]
        assert "ada@" not in found["last_error"]
        # staff retry it
        await life.handle.execute_update(names.RETRY_ACTION_UPDATE, RetryAction(found["id"]))
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
    assert actions(life)["send_welcome_email"]["attempts"] == 2


@pytest.mark.usefixtures("impatient")
async def test_retries_end_after_the_retry_window(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.refuse()
    async with working():
        await life.lived(life.call())
        found = await finished(life, "send_welcome_email")
    assert found["status"] == "failed"
    assert found["attempts"] >= 2
    assert found["last_error"]


async def test_continue_as_new_loses_no_action(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.refuse()
    async with working():
        await life.start(continue_after=1)
        await life.lived(life.call())
        run = (await life.handle.describe()).run_id
        for _ in range(8):  # more than an overlong run
            await life.lived(life.call(seconds=5))
        assert (await life.handle.describe()).run_id != run
        smtp.listen()
        assert (await finished(life, "send_welcome_email"))["status"] == "succeeded"
    assert len({mail["Message-ID"] for mail in smtp.received}) == 1


async def test_actions_left_by_a_terminated_journey_are_done(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life)
    smtp.refuse()
    async with working():
        await life.lived(life.call())
        await life.until(lambda: len(attempts(life, "send_welcome_email")) >= 2)
        await life.end("by an operator")
        smtp.listen()
        await life.lived(life.call(seconds=5))
        assert (await finished(life, "send_welcome_email"))["status"] == "succeeded"
    assert len(smtp.received) == 1


def endpoint(life: Life, url: str, secret: str, previous: str | None = None) -> None:
    execute(
        life,
        "insert into webhook_endpoints (company_id, url, secret, previous_secret) values (%s, %s, %s, %s)",
        *[life.company, url, secret, previous],
    )


async def test_every_transition_sends_signed_webhooks(life: Life, http: HttpServer, working: Working) -> None:
    old, new = new_secret(), new_secret()
    endpoint(life, f"{http.url}/hook", new, old)
    http.behaviours["/hook"] = Answer(status=500, times=2)
    async with working():
        await life.lived(life.call(), life.visit())
        await life.until(
            lambda: (
                statuses(life).get("update_crm_status") == "succeeded"
                and {row["status"] for row in stage_changes(life)} == {"succeeded"}
            )
        )
    told: dict[str, Any] = {}
    for request in http.received:
        told.setdefault(request.headers["webhook-id"], request)
        assert request.verified(new) == request.verified(old) == request.json
    moves = [r.json["data"] for r in told.values() if r.json["type"] == "journey.stage_changed"]
    assert sorted((m["sequence"], m["from_stage"], m["to_stage"]) for m in moves) == [
        (1, None, "prospect"),
        (2, "prospect", "lead"),
        (3, "lead", "customer"),
    ]
    [status] = [r.json for r in told.values() if r.json["type"] == "customer.status_changed"]
    assert (status["data"]["customer_id"], status["data"]["stage"]) == (life.customer, "customer")
    assert len(http.received) == len(told) + 2, "the two that were refused came again, each with its id"


def stage_changes(life: Life) -> list[dict[str, Any]]:
    rows = life.rows("select * from journey_actions where company_id = %(company)s order by id")
    return [row for row in rows if row["action"] == "stage_changed"]


async def test_an_endpoint_that_is_gone_is_deactivated(life: Life, http: HttpServer, working: Working) -> None:
    endpoint(life, f"{http.url}/gone", new_secret())
    endpoint(life, f"{http.url}/here", new_secret())
    http.behaviours["/gone"] = Answer(status=410)
    async with working():
        await life.lived(life.call(seconds=10))
        await life.until(lambda: [row["status"] for row in stage_changes(life)] == ["succeeded"])
        [gone, here] = life.rows("select * from webhook_endpoints where company_id = %(company)s order by id")
        assert (gone["is_active"], here["is_active"]) == (False, True)
        assert "410" in gone["disabled_reason"]
        assert gone["disabled_at"]
        await life.lived(life.call())
        await life.until(lambda: [row["status"] for row in stage_changes(life)] == ["succeeded"] * 2)
    assert [request.path for request in http.received].count("/gone") == 1


async def test_a_broken_endpoint_does_not_affect_its_neighbours(
    life: Life, http: HttpServer, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = WebhookChannel._post

    async def post_or_break(self: WebhookChannel, url: httpx2.URL, *rest: Any) -> Any:
        if url.path == "/broken":
            raise ExceptionGroup("several", [OverflowError("port must be 0-65535")])
        return await post(self, url, *rest)

    monkeypatch.setattr(WebhookChannel, "_post", post_or_break)
    for path in ("/before", "/broken", "/after"):
        endpoint(life, f"{http.url}{path}", new_secret())
    endpoint(life, f"{http.url}".rpartition(":")[0] + ":65536/", new_secret())  # saved before ports were checked
    async with working():
        await life.lived(life.call(seconds=10))
        await life.until(lambda: stage_changes(life) and stage_changes(life)[0]["attempts"] >= 2)
    [action] = stage_changes(life)
    assert action["status"] == "pending"
    assert action["last_error"] == "webhook: unexpected error (ExceptionGroup)"
    ids = [
        row["id"] for row in life.rows("select id from webhook_endpoints where company_id = %(company)s order by id")
    ]
    assert sorted(action["detail"]["told"]) == [ids[0], ids[2]]
    assert sorted(request.path for request in http.received) == ["/after", "/before"]


async def test_an_endpoint_that_cannot_be_used_is_on_record(life: Life, http: HttpServer, working: Working) -> None:
    endpoint(life, f"{http.url}/here", new_secret())
    endpoint(life, f"{http.url}".rpartition(":")[0] + ":65536/", new_secret())
    async with working():
        await life.lived(life.call(seconds=10))
        await life.until(lambda: [row["status"] for row in stage_changes(life)] == ["succeeded"])
    [action] = stage_changes(life)
    assert (action["attempts"], len(action["detail"]["told"])) == (1, 1)
    assert "port must be from 1 to 65535" in action["last_error"]
    assert [request.path for request in http.received] == ["/here"]


async def test_retry_after_is_respected(life: Life, http: HttpServer, working: Working) -> None:
    endpoint(life, f"{http.url}/busy", new_secret())
    http.behaviours["/busy"] = Answer(status=429, headers={"Retry-After": "4"}, times=2)
    async with working():
        await life.lived(life.call(seconds=10))
        await life.until(lambda: [row["status"] for row in stage_changes(life)] == ["succeeded"])
    times = [request.at for request in http.received]
    assert len(times) == 3
    assert times[2] - times[1] > 3.5


async def test_a_hostile_name_does_no_harm(life: Life, smtp: SmtpServer, working: Working) -> None:
    known(life, name="<script>alert(1)</script> {{7*7}}\r\nBcc: all@example.com")
    async with working():
        await life.lived(life.call())
        await finished(life, "send_welcome_email")
    [mail], [envelope] = smtp.received, smtp.envelopes
    assert (mail["Bcc"], envelope.rcpt_tos) == (None, ["ada@example.com"])
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "<script>" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()
    readable = re.sub(r"https?://\S+", "", text.get_content())  # a token may contain any digits
    assert "{{7*7}}" in readable
    assert "49" not in readable


async def test_staff_are_notified_of_customers_at_risk(
    life: Life, smtp: SmtpServer, http: HttpServer, working: Working
) -> None:
    known(life)
    staff(life, "manager", "Mara")
    async with working():
        await life.lived(life.visit(-91))  # decided now, a day late: at risk since yesterday
        await life.until(lambda: life.row().get("current_stage") == "at_risk")
        assert actions(life) == {}, "that was more than a day ago"
        await life.handle.signal(names.ACT_SIGNAL)
        await life.until(lambda: statuses(life).get("campaign_email") == "succeeded")
        await life.until(lambda: statuses(life)["notify_account_manager"] == "succeeded")
    assert {mail["To"] for mail in smtp.received} == {"mara@salon.example", "ada@example.com"}
    assert statuses(life)["campaign_sms"] == "pending"
    await life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 1)).terminate("test")
