"""Merged customers in the browser: the list of possible duplicates, and where the old id leads."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_customers import create_profile


def test_who_may_only_read_sees_the_list_without_buttons(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/duplicates", key=visit.stack.create_key("journeys:read"))
    expect(page.get_by_role("heading", name="Possible duplicates", level=1)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Merge "))).to_have_count(0)


def test_an_alias_without_a_journey_leads_to_the_customer(visit: Visit) -> None:
    stack = visit.stack
    name = f"Only {uuid.uuid4().hex[:6]}"
    one, other = create_profile(stack, name, {}), create_profile(stack, name, {})
    stack.request("POST", f"/v1/customers/{other}/merge", json={"into": one})
    visit.sign_in(at="/duplicates")
    visit.open(f"/customers/{other}")
    expect(visit.page).to_have_url(re.compile(f"/customers/{one}$"))
