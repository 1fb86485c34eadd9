"""What a booked customer gets, and what is suppressed, on a real Postgres."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from temporalio.testing import ActivityEnvironment

from activities.act import ActActivity
from contracts.requests import ActRequest
from db.connections import Pool
from db.people import customers
from journey.time import to_micros
from settings import Settings
from tests.support.commit_story import NOON, Story, events
from worker import build_delivery

MARKETING = ["campaign_email", "campaign_sms", "campaign_call", "campaign_offer", "send_vip_benefits_email"]
OTHERS = ["send_welcome_email", "send_onboarding_sequence", "create_feedback_request", "centre_offer", "centre_call"]


async def act(story: Story, pool: Pool, tmp_path: Path, days: float = 0.0) -> dict[str, tuple[str, str | None]]:
    """Execute an action of each kind; the status and the reason of each."""
    await customers.put_profile(
        pool, story.company, story.customer, {"name": "Ada", "email": "ada@example.com", "consent": {"email": True}}
    )
    number = story.known.transition_number
    refs = [f"{number}:{action}" for action in MARKETING + OTHERS]
    with psycopg.connect(story.url) as connection:
        for ref in refs:
            connection.execute(
                "insert into journey_actions"
                " (company_id, relationship_id, action_key, action, stage_key, entry, due_at)"
                " select company_id, id, %s, %s, current_stage, %s, %s from customer_relationships"
                " where company_id = %s on conflict do nothing",
                [
                    f"{story.company}:{story.customer}:{ref}",
                    ref.partition(":")[2],
                    number,
                    NOON,
                    story.company,
                ],
            )
    settings = Settings(link_secret="the secret of the test", outbox=str(tmp_path))
    request: ActRequest = {
        "company_id": story.company,
        "customer_id": story.customer,
        "now": to_micros(NOON + timedelta(days=days)),
        "tails": refs,
    }
    await ActivityEnvironment().run(ActActivity(pool, build_delivery(pool, settings)).act, request)
    rows = story.rows("select action, status, reason from journey_actions where company_id = %(company)s")
    return {row["action"]: (row["status"], row["reason"]) for row in rows}


async def test_marketing_is_suppressed_while_an_appointment_is_booked(story: Story, pool: Pool, tmp_path: Path) -> None:
    booked = story.event("appointment.requested", -1, appointment_id="a-1", scheduled_for="2026-03-10T09:00:00+01:00")
    await story.commit(events(booked))
    done = await act(story, pool, tmp_path)
    assert {action: done[action] for action in MARKETING} == dict.fromkeys(
        MARKETING, ("suppressed", "booked for 2026-03-10")
    )
    assert not [action for action in OTHERS if done[action][0] == "suppressed" and "booked" in (done[action][1] or "")]
    assert done["centre_call"][0] == "succeeded"


@pytest.mark.parametrize(("days", "is_booked"), [(4.9, True), (5.1, False)])
async def test_the_grace_ends_the_suppression(
    story: Story, pool: Pool, tmp_path: Path, days: float, is_booked: bool
) -> None:
    at = (NOON + timedelta(days=3)).isoformat()
    await story.commit(events(story.event("appointment.requested", -1, appointment_id="a-1", scheduled_for=at)))
    done = await act(story, pool, tmp_path, days)
    expected = ("suppressed", "booked for 2026-03-04") if is_booked else ("succeeded", None)
    assert (done["campaign_call"][0], (is_booked and done["campaign_call"][1]) or None) == expected


async def test_a_cancelled_booking_suppresses_nothing(story: Story, pool: Pool, tmp_path: Path) -> None:
    at = (NOON + timedelta(days=3)).isoformat()
    await story.commit(events(story.event("appointment.requested", -1, appointment_id="a-1", scheduled_for=at)))
    await story.commit(events(story.event("appointment.cancelled", 0, appointment_id="a-1")))
    done = await act(story, pool, tmp_path)
    assert done["campaign_call"][0] == "succeeded"
