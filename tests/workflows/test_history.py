"""What a business event costs in history: measured, because a journey pays it for years."""

import pytest

from tests.support.workflow_life import Life, kinds

pytestmark = pytest.mark.usefixtures("worker")

EVENTS = 5
BYTES = 1228  # 1.2 KiB


async def cost(life: Life) -> tuple[list[str], int]:
    """The kinds and the bytes of the history events that one more lone appointment makes."""
    before = len(await life.history())
    await life.lived(life.visit())
    added = (await life.history())[before:]
    return kinds(added), sum(event.ByteSize() for event in added)


async def test_lone_event_of_a_young_journey(life: Life) -> None:
    await life.start(continue_after=1000)
    await life.lived(life.call(-4), life.visit(-3), life.visit(-2), life.visit(-1))
    names, size = await cost(life)
    assert len(names) <= EVENTS, names
    assert size <= BYTES, size


async def test_costs_are_the_same_at_any_age_and_no_timer_is_touched(life: Life) -> None:
    await life.start(continue_after=20)
    await life.send(life.call(-3000), *(life.visit(-2999 + 10 * n) for n in range(300)))
    await life.until(lambda: len(life.applied()) == 301)
    await life.settled()
    runs = set()
    for _ in range(3):
        for _ in range(20):
            await life.lived(life.event("feedback.received", rating=4))
        runs.add((await life.handle.describe()).run_id)
        names, size = await cost(life)
        assert len(names) <= EVENTS, names
        assert size <= BYTES, size
    assert len(runs) == 3, "continued as new in between"


async def test_fifty_signals_in_a_row_touch_no_timer(life: Life) -> None:
    await life.start(continue_after=1000)
    await life.lived(life.call(-2), life.visit(-1), life.visit(-1), life.visit(-1))
    before = len(await life.history())
    for _ in range(50):
        await life.send(life.visit())
    await life.until(lambda: len(life.applied()) == 54)
    await life.settled()
    added = (await life.history())[before:]
    assert not [name for name in kinds(added) if "TIMER" in name or "SEARCH" in name]
    assert len(added) <= 50 * EVENTS
    assert sum(event.ByteSize() for event in added) <= 50 * BYTES
