"""A message without an address or consent waits for the profile, so that events and profiles may come in any order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.journey_client import announce_profile_change
from db.outreach.action_context import ActionContext, load_action_contexts
from db.outreach.profile_waits import find_profile_waits
from tests.support.workflow_acting import actions, attempts, execute, known, mails, staff, statuses
from tests.support.workflow_life import Life, kinds
from tests.workflows.test_act_again import Working, working

__all__ = ["working"]  # the fixture


async def as_always(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


def put_profile(life: Life, **fields: Any) -> None:
    """Replace the profile, as the route does."""
    values = {"email": "ada@example.com", "consent": '{"email": true, "sms": true}', **fields}
    execute(
        life,
        "update customers set email = %s, consent = %s where company_id = %s",
        *[values["email"], values["consent"], life.company],
    )


async def announce(life: Life, pool: Any) -> None:
    waits = await find_profile_waits(pool, life.company, life.customer)
    await announce_profile_change(
        life.client, life.company, life.customer, journey=waits.journey, campaigns=waits.campaigns
    )


@pytest.mark.parametrize("profile_first", [True, False])
async def test_same_mail_in_both_orders(
    life: Life, working: Working, pool: Any, tmp_path: Path, profile_first: bool
) -> None:
    """The last field to arrive is consent; without an answer nothing is sent."""
    known(life, consent={})
    async with await working(as_always):
        if profile_first:
            put_profile(life)
            await life.lived(life.call())
        else:
            await life.lived(life.call())
            await life.until(lambda: statuses(life)["send_welcome_email"] == "waiting")
            row = actions(life)["send_welcome_email"]
            assert (row["reason"], row["detail"]["waits_for"]) == ("no consent to e-mail", "profile")
            assert row["due_at"] - row["created_at"] == pytest.approx(timedelta(days=1), abs=timedelta(seconds=20))
            assert "send_welcome_email: waiting until" in await until_shown(life, "(no consent to e-mail)")
            put_profile(life, email=None)
            await announce(life, pool)
            await life.until(lambda: actions(life)["send_welcome_email"]["reason"] == "no e-mail address")
            put_profile(life)
            await announce(life, pool)
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
    assert [mail["To"] for mail in mails(tmp_path)] == ["ada@example.com"]
    assert actions(life)["send_welcome_email"]["attempts"] == 1


async def until_shown(life: Life, text: str) -> str:
    async with asyncio.timeout(20):
        while text not in (shown := await life.details()):
            await asyncio.sleep(0.05)
    return shown


async def test_a_no_is_final_until_it_becomes_a_yes(life: Life, working: Working, pool: Any, tmp_path: Path) -> None:
    known(life, consent={"email": False})
    async with await working(as_always):
        await life.lived(life.call())
        await life.until(lambda: statuses(life)["send_welcome_email"] == "suppressed")
        assert actions(life)["send_welcome_email"]["reason"] == "no consent to e-mail"
        put_profile(life)
        await announce(life, pool)
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
    assert len(mails(tmp_path)) == 1
    assert attempts(life, "send_welcome_email") == ["suppressed", "succeeded"]


async def test_a_no_of_yesterday_stays(life: Life, working: Working, pool: Any, tmp_path: Path) -> None:
    known(life, consent={"email": False})
    async with await working(as_always):
        await life.lived(life.call())
        await life.until(lambda: statuses(life)["send_welcome_email"] == "suppressed")
        await life.until(lambda: "pending" not in statuses(life).values())
        execute(
            life,
            "update journey_actions set detail = detail || jsonb_build_object('profile_until',"
            " (detail ->> 'profile_until')::bigint - 86400000000) where company_id = %s and detail ? 'profile_until'",
            life.company,
        )
        put_profile(life)
        waits = await find_profile_waits(pool, life.company, life.customer)
        assert (waits.journey, waits.campaigns) == (False, ())
        await announce_profile_change(life.client, life.company, life.customer, journey=True, campaigns=())
        await life.lived(life.call())
    assert statuses(life)["send_welcome_email"] == "suppressed"
    assert mails(tmp_path) == []


async def test_profile_arrives_during_the_attempt(life: Life, working: Working, pool: Any, tmp_path: Path) -> None:
    """The journey learns of the profile before it learns that its attempt, with the old profile, has to wait."""
    recorded, release = asyncio.Event(), asyncio.Event()

    async def late(work: Callable[[], Awaitable[Any]]) -> Any:
        result = await work()
        recorded.set()
        await release.wait()
        return result

    known(life, email=None)
    async with await working(late):
        await life.lived(life.call())
        await asyncio.wait_for(recorded.wait(), 20)
        put_profile(life)
        version = life.row()["version"]
        await announce(life, pool)
        await life.until(lambda: life.row()["version"] > version)
        release.set()
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
    assert len(mails(tmp_path)) == 1
    assert kinds(await life.history()).count("ACTIVITY_TASK_SCHEDULED") == 2


async def test_profile_arrives_after_the_attempt_has_read_the_old_one(
    life: Life, working: Working, pool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is announced although the action does not wait yet."""
    read, release = asyncio.Event(), asyncio.Event()

    async def load(*arguments: Any) -> list[ActionContext]:
        loaded = await load_action_contexts(*arguments)
        read.set()
        await release.wait()
        return loaded

    monkeypatch.setattr("activities.act.load_action_contexts", load)
    known(life, email=None)
    async with await working(as_always):
        await life.lived(life.call())
        await asyncio.wait_for(read.wait(), 20)
        put_profile(life)
        version = life.row()["version"]
        await announce(life, pool)
        await life.until(lambda: life.row()["version"] > version)
        release.set()
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
    assert len(mails(tmp_path)) == 1
    assert attempts(life, "send_welcome_email") == ["waiting", "succeeded"]


async def test_a_campaign_continues_while_a_step_waits(life: Life, working: Working, pool: Any, tmp_path: Path) -> None:
    """The e-mail and the SMS are due on the same day, and the customer has no e-mail address yet."""
    known(life, email=None)
    staff(life, "manager", "Mara")
    execute(
        life,
        "update companies set settings = jsonb_set(settings, '{outreach,campaign}', %s) where id = %s",
        '[{"type": "email", "day": 0}, {"type": "sms", "day": 0}, {"type": "call", "day": 0}]',
        life.company,
    )
    async with await working(as_always):
        await life.lived(life.visit(-90.2))
        await life.until(lambda: statuses(life).get("campaign_call") == "succeeded")
        found = statuses(life)
        assert (found["campaign_email"], found["campaign_sms"]) == ("waiting", "succeeded")
        assert (await find_profile_waits(pool, life.company, life.customer)).campaigns == (1,)
        campaign = life.client.get_workflow_handle(f"campaign/{life.company}/{life.customer}/1")
        put_profile(life)
        await announce(life, pool)
        outcome = await asyncio.wait_for(campaign.result(), 20)
    assert outcome == dict.fromkeys(("campaign_email", "campaign_sms", "campaign_call"), "succeeded")
    assert len(mails(tmp_path)) == 2  # to the customer and to their manager
    assert datetime.now(UTC) > actions(life)["campaign_email"]["done_at"]


async def test_a_campaign_ends_while_a_step_waits(life: Life, working: Working, pool: Any, tmp_path: Path) -> None:
    known(life, email=None)
    async with await working(as_always):
        await life.lived(life.visit(-90.2))
        await life.until(lambda: statuses(life).get("campaign_email") == "waiting")
        campaign = life.client.get_workflow_handle(f"campaign/{life.company}/{life.customer}/1")
        await life.lived(life.visit())
        outcome = await asyncio.wait_for(campaign.result(), 20)
    assert set(outcome.values()) == {"cancelled"}
    assert actions(life)["campaign_email"]["reason"] == "left the stage"
