"""A new channel is one file and one setting; nothing else changes.

The channel is ``tests/support/whatsapp.py``. An action and a template that use it are a row each in their registries.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row
from temporalio.testing import ActivityEnvironment

from activities import bounded_rendering
from activities.act import ActActivity
from activities.channels import message_id
from activities.channels.registry import CHANNELS, customer_channel, open_channels, unconfigured_channels
from activities.commit import CommitActivity
from activities.message_catalogue import TEMPLATES, to_customer
from activities.rendering import InvalidTemplate, check_template
from activities.stage_actions import REGISTRY, Action, CustomerMessage
from contracts.requests import ActRequest, ActResult
from db.connections import Pool, open_pool
from db.people import customers
from journey.time import DAY, Micros, to_datetime
from settings import Settings
from tests.conftest import NewDatabase
from tests.support.commit_story import Histories
from tests.support.outside import Answer, HttpServer
from tests.support.whatsapp import WhatsAppChannel
from tests.support.workflow_life import new_company
from worker import build_delivery

NOON = Micros(1_773_316_800_000_000)  # 2026-03-12T12:00:00Z
EVENING = Micros(NOON + 9 * 3600 * 1_000_000)
MORNING = "2026-03-13T08:0"
ACTION_REF = "2:send_welcome_email"
CONSENT = {"email": True, "sms": True, "whatsapp": True}
TEXT = "Hi {{ name }}, welcome to {{ company_name }}! {{ unsubscribe_url }}"


class SettingsWithWhatsApp(Settings):
    """The one setting of the new channel."""

    whatsapp_url: str | None = None


async def render_here(_: object, work: Callable[[], Any]) -> Any:
    """Instead of in another process, which does not have the message that this one registers."""
    return work()


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel as if its file were in `activities/channels`; and a message on it that greets new leads."""
    monkeypatch.setitem(CHANNELS, "whatsapp", WhatsAppChannel)
    monkeypatch.setitem(
        TEMPLATES, "whatsapp_welcome", to_customer("whatsapp_welcome", channel="whatsapp", marketing=True)
    )
    monkeypatch.setattr(bounded_rendering, "_run_in_process", render_here)
    monkeypatch.setitem(REGISTRY, "send_welcome_email", Action(lambda _: CustomerMessage("whatsapp_welcome")))


@pytest.fixture(scope="module")
def database_url(new_database: NewDatabase, migrated_template: str) -> str:
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, min_size=1, max_size=4, timeout=5.0)
    yield pool
    await pool.close()


@dataclass
class Lead:
    """A customer of a new company who has just become a lead."""

    database_url: str
    company: int
    pool: Pool
    settings: SettingsWithWhatsApp

    async def begin(self, **profile: Any) -> None:
        known = {"name": "Ada", "phone": "+49 30 123456", "consent": CONSENT, **profile}
        await customers.put_profile(self.pool, self.company, "c-1", known)
        with psycopg.connect(self.database_url) as connection:
            connection.execute(
                "insert into message_templates (company_id, name, locale, subject, text)"
                " values (%s, 'whatsapp_welcome', 'en', '', %s)",
                [self.company, TEXT],
            )
        call = {
            "id": "e-1",
            "type": "call.received",
            "customer_id": "c-1",
            "occurred_at": to_datetime(NOON).isoformat(),
            "duration_seconds": 120,
        }
        result = await ActivityEnvironment().run(
            CommitActivity(self.pool, Histories()).commit,
            {
                "company_id": self.company,
                "customer_id": "c-1",
                "run_id": "run-1",
                "now": NOON,
                "state": None,
                "messages": [("events", [json.dumps([call])])],
            },
        )
        assert ACTION_REF in result["actions"]

    async def act(self, now: Micros = NOON) -> ActResult:
        act = ActActivity(self.pool, build_delivery(self.pool, self.settings)).act
        request: ActRequest = {"company_id": self.company, "customer_id": "c-1", "now": now, "tails": [ACTION_REF]}
        result: ActResult = await ActivityEnvironment().run(act, request)
        return result

    def row(self) -> dict[str, Any]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            statement = "select * from journey_actions where company_id = %s and action = 'send_welcome_email'"
            row = connection.execute(statement, [self.company]).fetchone()
        assert row is not None
        return row


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.txt"))


@pytest.fixture
def lead(database_url: str, pool: Pool, web_server: HttpServer, tmp_path: Path) -> Lead:
    settings = SettingsWithWhatsApp(
        whatsapp_url=f"{web_server.url}/messages", link_secret="the secret of the test", outbox=str(tmp_path)
    )
    return Lead(database_url, new_company(database_url), pool, settings)


async def test_a_message_is_sent(lead: Lead, web_server: HttpServer) -> None:
    await lead.begin()
    assert await lead.act() == {"done": {ACTION_REF: "succeeded"}}
    [request] = web_server.received
    sent, row = request.json, lead.row()
    assert (sent["to"], sent["id"]) == ("+4930123456", message_id(row["action_key"]))
    assert sent["text"].startswith("Hi Ada, welcome to ")
    assert "http://127.0.0.1:8000/u/" in sent["text"]
    assert (row["status"], row["channel"], row["marketing"]) == ("succeeded", "whatsapp", True)
    assert row["detail"]["receipt"] == "200 accepted"


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ({"consent": {"email": True, "sms": True}}, "no consent to WhatsApp"),
        ({"phone": None}, "no phone number"),
    ],
)
async def test_without_consent_or_number_it_waits_a_day_and_is_suppressed(
    lead: Lead, web_server: HttpServer, profile: dict[str, Any], reason: str
) -> None:
    await lead.begin(**profile)
    end = Micros(NOON + DAY)
    waiting = {"until": {ACTION_REF: end}, "waiting": {ACTION_REF: reason}, "incomplete": [ACTION_REF]}
    assert await lead.act() == waiting
    row = lead.row()
    assert (row["status"], row["reason"], row["channel"]) == ("waiting", reason, "whatsapp")
    assert (row["due_at"], row["attempts"]) == (to_datetime(end), 0)
    assert await lead.act(Micros(end - 1)) == waiting  # another look does not prolong it
    assert await lead.act(end) == {"done": {ACTION_REF: "suppressed"}}
    row = lead.row()
    assert (row["status"], row["reason"], row["channel"]) == ("suppressed", reason, "whatsapp")
    assert web_server.received == []


async def test_a_recorded_no_is_suppressed_at_once(lead: Lead, web_server: HttpServer) -> None:
    await lead.begin(consent={**CONSENT, "whatsapp": False})
    assert await lead.act() == {"done": {ACTION_REF: "suppressed"}}
    row = lead.row()
    assert (row["status"], row["reason"], row["channel"]) == ("suppressed", "no consent to WhatsApp", "whatsapp")
    assert web_server.received == []


async def test_quiet_hours_defer_it(lead: Lead, web_server: HttpServer) -> None:
    await lead.begin()
    result = await lead.act(EVENING)
    assert to_datetime(Micros(result["until"][ACTION_REF])).isoformat().startswith(MORNING)
    row = lead.row()
    assert (row["status"], row["reason"]) == ("waiting", "quiet hours from 20:00 to 08:00 (UTC)")
    assert web_server.received == []
    assert await lead.act(Micros(result["until"][ACTION_REF])) == {"done": {ACTION_REF: "succeeded"}}


async def test_a_failure_is_retried(lead: Lead, web_server: HttpServer) -> None:
    await lead.begin()
    web_server.behaviours["/messages"] = Answer(status=503, times=1)
    assert await lead.act() == {"again": {ACTION_REF: "WhatsApp: HTTP 503"}}
    assert await lead.act() == {"done": {ACTION_REF: "succeeded"}}


async def test_unsubscribing_ends_it(lead: Lead, web_server: HttpServer) -> None:
    channel = customer_channel("whatsapp")  # what the unsubscribe page asks
    assert channel is not None
    assert channel.messages == "WhatsApp messages"
    await lead.begin()
    await customers.unsubscribe(lead.pool, lead.company, "c-1", channel, "customer")
    assert await lead.act() == {"done": {ACTION_REF: "suppressed"}}
    assert web_server.received == []


async def test_without_its_setting_messages_are_saved_as_files(lead: Lead, tmp_path: Path) -> None:
    lead.settings.whatsapp_url = None
    assert "whatsapp" in [channel.name for channel in unconfigured_channels(lead.settings.model_dump())]
    assert set(open_channels(lead.settings.model_dump())) == {"email", "sms", "whatsapp"}
    await lead.begin()
    await lead.act()
    [file] = files(tmp_path)
    assert file.read_text().startswith("Hi Ada, welcome to ")


def test_a_company_can_write_its_template() -> None:
    check_template("whatsapp_welcome", "", None, TEXT)
    with pytest.raises(InvalidTemplate, match="html: WhatsApp messages have no HTML part"):
        check_template("whatsapp_welcome", "", "<p>", TEXT)
