"""One journey as an operator sees it in the Temporal UI, without any other tool."""

import asyncio
import re
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from contracts import names
from contracts.messages import SetStage
from tests.support.workflow_life import Life

pytestmark = pytest.mark.usefixtures("worker")


async def test_before_anything_has_happened(life: Life) -> None:
    await life.start()
    state = await life.state()
    assert (state["stage"], state["version"], state["waiting_messages"]) == (None, 0, 0)
    assert await life.details() == "Nothing committed yet."


async def test_state_query(life: Life) -> None:
    await life.lived(life.call(-3), life.visit(-2, amount="12.34"))
    state, row = await life.state(), life.row()
    assert state["stage"] == row["current_stage"] == "customer"
    assert state["previous_stage"] == "lead"
    assert state["trigger_event"] == "appointment_completed"
    assert state["lifetime_value"] == str(row["lifetime_value"]) == "12.34"
    assert state["total_appointments"] == 1
    assert state["messages_in_this_run"] == 2
    assert not state["held"]


async def test_details_have_stage_cause_scores_and_next_deadline(life: Life) -> None:
    await life.lived(life.call(-41), life.visit(-40))
    text, row = await life.details(), life.row()
    assert f"**customer** since {row['stage_entered_at']:%Y-%m-%d %H:%M} UTC" in text
    assert "`appointment_completed` (previously lead)" in text
    assert "risk **0%**, engagement **" in text
    assert f"{row['next_deadline']:%Y-%m-%d %H:%M} UTC" in text
    await life.lived(life.visit(-89))
    await life.lived(life.event("appointment.missed", -1), life.event("appointment.missed", -1))
    assert "2 missed" in await life.details()


async def test_search_attributes(life: Life) -> None:
    await life.lived(life.call(-1))
    attributes = (await life.handle.describe()).typed_search_attributes
    assert attributes.get(names.COMPANY_ID) == life.company
    assert attributes.get(names.STAGE) == "lead"
    assert attributes.get(names.NEXT_DEADLINE) == life.row()["next_deadline"]
    await life.lived(life.visit())
    assert (await life.handle.describe()).typed_search_attributes.get(names.STAGE) == "customer"


async def test_deadline_attribute_is_removed_when_none_is_left(life: Life) -> None:
    await life.lived(life.visit(-170))
    assert (await life.handle.describe()).typed_search_attributes.get(names.NEXT_DEADLINE)
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("churned", "moved away", hold=True))
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("churned", "moved away", hold=True))
    described = await life.handle.describe()
    assert (life.row()["next_deadline"] is None) == (described.typed_search_attributes.get(names.NEXT_DEADLINE) is None)


async def test_summaries(life: Life) -> None:
    await life.lived(life.visit(-70))
    described = await life.handle.describe()
    assert life.customer in (await described.static_summary() or "")
    summaries = {
        EventType.Name(event.event_type): event.user_metadata.summary.data.decode()
        for event in await life.history()
        if event.user_metadata.summary.data
    }
    deadline = life.row()["next_deadline"]
    day = f"{deadline.day} {deadline:%b}"
    assert summaries["EVENT_TYPE_TIMER_STARTED"] == f'"at_risk on {day} unless an appointment is completed"'


async def test_details_list_the_steps_of_a_campaign(life: Life) -> None:
    await life.lived(life.visit(-90.2))
    async with asyncio.timeout(20):
        while "**Campaign 1**" not in (shown := await life.details()):
            await asyncio.sleep(0.05)
    assert "create_retention_campaign: campaign started" in shown
    assert f"`{names.campaign_id(life.company, life.customer, 1)}`" in shown
    [campaign] = life.rows("select * from retention_campaigns where company_id = %(company)s")
    for step in campaign["scheduled_actions"]:
        due = campaign["created_at"] + timedelta(days=step["day"])
        assert f"- {step['action']}: planned for {due:%Y-%m-%d %H:%M} UTC" in shown
    await life.lived(life.visit())
    while "**Campaign 1**" in await life.details():
        await asyncio.sleep(0.05)


COMMENT = "Frau Quast war sehr zufrieden"
REASON = "her daughter phoned"


async def test_nothing_personal_outside_of_payloads(life: Life) -> None:
    """Free text is only in payloads; names and addresses are never sent to Temporal."""
    await life.lived(life.call(-1), life.event("feedback.received", rating=5, comment=COMMENT))
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("vip", REASON))
    plain = await _plain_fields(life.handle) + await life.details()
    for word in (COMMENT, REASON):
        assert word not in plain
    assert not re.search(r"[\w.]+@[\w.]+\.\w\w", plain)
    described = await life.handle.describe()
    assert not await described.memo()


async def _plain_fields(handle: WorkflowHandle[object, object]) -> str:
    """Return everything readable without decoding a message payload: ids, attributes, summaries."""
    described = await handle.describe()
    texts = [str(described.typed_search_attributes), str(await described.static_summary()), handle.id]
    async for event in handle.fetch_history_events():
        texts.append(event.user_metadata.summary.data.decode())
        texts.append(str(event.upsert_workflow_search_attributes_event_attributes))
    return "\n".join(texts)
