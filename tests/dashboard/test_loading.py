"""The action centre while it loads: tasks first on a phone, and nothing that jumps."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NARROW, WIDE, Visit

#: web.dev/cls: a cumulative layout shift of up to 0.1 is good; the sum of all shifts, without those after an input
RECORD_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MOST_SHIFT = 0.1


def test_on_a_phone_tasks_come_first(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size(NARROW)
    visit.sign_in()
    tasks, listed = page.get_by_role("region", name="Tasks"), page.get_by_role("region", name="Call list")
    expect(tasks.get_by_role("listitem").first).to_be_visible()
    expect(listed.get_by_role("link").first).to_be_attached()
    above, below = tasks.bounding_box(), listed.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["phone", "desk"])
def test_nothing_jumps_while_the_action_centre_loads(visit: Visit, viewport: dict[str, int]) -> None:
    page = visit.page
    page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a TypedDict of playwright's
    page.add_init_script(RECORD_SHIFTS)
    visit.sign_in()
    expect(page.get_by_role("region", name="Tasks").get_by_role("listitem").first).to_be_visible()
    expect(page.get_by_role("region", name="Call list").get_by_role("link").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifts") <= MOST_SHIFT
