"""History events and bytes per business event, which every journey pays for years."""

import pytest

from tests.support.workflow_life import Life, kinds

pytestmark = pytest.mark.usefixtures("worker")

EVENTS = 5
BYTES = 1228  # 1.2 KiB


async def cost(life: Life) -> tuple[list[str], int]:
    """Send one more appointment; return the types and the size of the history events that it adds."""
    before = len(await life.history())
    await life.lived(life.visit())
    added = (await life.history())[before:]
    return kinds(added), sum(event.ByteSize() for event in added)


async def test_single_event_of_a_new_journey(life: Life) -> None:
    await life.start(continue_after=1000)
    await life.lived(life.call(-4), life.visit(-3), life.visit(-2), life.visit(-1))
    names, size = await cost(life)
    assert len(names) <= EVENTS, names
    assert size <= BYTES, size


async def test_cost_does_not_depend_on_age_and_the_timer_is_kept(life: Life) -> None:
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


async def test_fifty_consecutive_signals_keep_the_timer(life: Life) -> None:
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
