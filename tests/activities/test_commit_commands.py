"""Commits of imports, commands and changed rules on a real Postgres."""

from datetime import timedelta
from typing import Any

from tests.support.commit_story import EVALUATE, NOON, Story, command, events


async def test_until_limits_the_evaluation(story: Story) -> None:
    visit, later = story.visit(-300), story.visit(-250)
    first = await story.commit(events(visit, until=NOON - timedelta(days=300)))
    assert first.get("more") is True
    assert story.stages() == ["prospect", "customer"]
    repeated = await story.commit(events(visit, until=NOON - timedelta(days=300)))
    assert repeated.get("more") is True
    last = await story.commit(events(later))
    assert "more" not in last
    assert story.stages() == ["prospect", "customer", "at_risk", "churned"]
    assert story.transitions()[2]["transitioned_at"] == NOON - timedelta(days=160)
    story.whole()


async def test_message_after_an_until_lifts_it(story: Story) -> None:
    answer = await story.commit(events(story.visit(-300), until=NOON - timedelta(days=300)), EVALUATE)
    assert "more" not in answer
    assert story.stages()[-1] == "churned"


async def test_retry_of_an_import_still_reports_that_more_follows(story: Story) -> None:
    message = events(story.visit(-300), until=NOON - timedelta(days=300))
    first = await story.lost(message)
    assert await story.commit(message) == first
    assert first.get("more") is True


async def test_commands_are_answered_in_order(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    answer = await story.commit(
        command("set_stage", stage="vip", reason="a friend", hold=True, performed_by=7),
        command("set_stage", stage="nowhere", reason="r"),
        events(story.call(-1)),
        command("set_stage", stage="vip", reason="r", hold_until="2020-01-01T00:00:00Z"),
        command("set_stage", stage="vip", reason="r", hold_until="soon"),
        ("set_stage", ["{"]),
    )
    done, unknown, past, soon, broken = answer["answers"] or []
    assert done is None
    assert "nowhere" in (unknown or "")
    assert "prospect, lead, customer" in (unknown or "")
    assert "not in the future" in (past or "")
    assert "RFC 3339" in (soon or "")
    assert broken
    move = story.transitions()[-1]
    assert (move["to_stage"], move["trigger_type"], move["performed_by"]) == ("vip", "manual", 7)
    assert (move["notes"], move["trigger_event"]) == ("a friend", "stage_set")
    assert story.row()["held"]
    await story.commit(EVALUATE, now=NOON + timedelta(days=300))
    assert story.stages()[-1] == "vip"
    released = await story.commit(command("release", performed_by=7), now=NOON + timedelta(days=300))
    assert released["answers"] == [None]
    assert story.stages()[-1] == "churned"
    story.whole()


async def test_command_may_start_a_journey(story: Story) -> None:
    answer = await story.commit(command("set_stage", stage="lead", reason="met at a fair"))
    assert answer["answers"] == [None]
    assert story.stages() == ["prospect", "lead"]
    story.whole()


COMPLETED = {"trigger": "appointment_completed", "conditions": {}}


def worth(value: int) -> dict[str, Any]:
    """The rule that holds from a given lifetime value."""
    return {"trigger": "lifetime_value", "conditions": {"value": f">={value}"}}


async def test_changed_rules_move_journeys(story: Story) -> None:
    await story.commit(events(story.visit(-5, "300.00")))
    assert story.stages() == ["prospect", "customer"]
    story.rules(NOON + timedelta(hours=1), ("prospect", None), ("customer", COMPLETED), ("vip", worth(200)))
    await story.commit(EVALUATE, now=NOON + timedelta(hours=2))
    assert story.stages() == ["prospect", "customer", "vip"]
    move = story.transitions()[-1]
    assert (move["trigger_type"], move["trigger_event"]) == ("system", "rules_changed")
    assert move["transitioned_at"] == NOON + timedelta(hours=1)
    assert story.row()["rules_version"] == 2
    story.whole()
    await story.commit(events(story.call(0)), now=NOON + timedelta(hours=3))
    assert story.ledger()[-1]["rules_version"] == 2
    story.whole()


async def test_new_rules_apply_to_the_next_event(story: Story) -> None:
    await story.commit(events(story.call(-5)))
    story.rules(NOON - timedelta(hours=1), ("lead", None), ("vip", worth(1)))
    await story.commit(events(story.visit(0, "2.00")))
    assert story.stages()[-1] == "vip"
    assert story.row()["rules_version"] == 2
    story.whole()
