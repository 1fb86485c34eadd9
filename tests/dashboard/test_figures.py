"""Key figures with their change and their lists, whom the funnel counts, and revenue by week and month."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from playwright.sync_api import Locator, expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_analytics import as_table, card, cells, funnel_matches, journey_analytics
from tests.support.dashboard_controls import wait_for

TILES = {
    "Customers": ("total_customers", "/customers"),
    "At risk": ("at_risk_count", "/customers?stage=at_risk"),
    "VIP": ("vip_count", "/customers?stage=vip"),
}


def change_text(difference: float, before: str) -> str:
    if difference == 0:
        return f"No change against {before}"
    return f"{'+' if difference > 0 else '−'}{abs(difference):,} against {before}"


def test_key_figures_show_their_change_and_lead_to_what_they_count(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    for period, before in [("week", "the 7 days before"), ("year", "the 365 days before")]:
        visit.sign_in(at=f"/analytics?period={period}")
        tiles = card(page, "Key figures").locator(".statistic")
        expect(tiles).to_have_count(4)

        def changes_match(tiles: Locator = tiles, period: str = period, before: str = before) -> bool:
            figures = journey_analytics(stack, period=period)
            expected = [change_text(figures[field] - figures["previous"][field], before) for field, _ in TILES.values()]
            return tiles.locator(".change").all_text_contents()[:3] == expected

        wait_for(changes_match)
        expect(tiles.nth(3).locator(".change")).to_have_text(
            re.compile(f"^([+−]€[\\d,.]+|No change) against {before}$")
        )
    for title, (field, path) in TILES.items():
        visit.open("/analytics")
        card(page, "Key figures").get_by_role("link", name=title, exact=True).click()
        expect(page).to_have_url(stack.url + path)
        count = page.locator(".result-count")
        wait_for(lambda: count.text_content() == f"{journey_analytics(stack)[field]:,} customers")  # noqa: B023
    visit.open("/analytics")
    card(page, "Key figures").get_by_role("link", name="Average lifetime value").click()
    expect(page).to_have_url(stack.url + "/customers?sort=lifetime_value")


def test_key_figures_of_the_past_or_without_a_period_before(visit: Visit) -> None:
    page = visit.page
    instant = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds")
    visit.sign_in(at=f"/analytics?as_of={quote(instant)}")
    tiles = card(page, "Key figures").locator(".statistic")
    expect(tiles.locator(".change")).to_have_count(4)
    expect(tiles.get_by_role("link")).to_have_count(0)  # the list has no past
    visit.open("/analytics?period=all")
    expect(tiles.get_by_role("link")).to_have_count(4)
    expect(tiles.locator(".change")).to_have_count(0)


def test_the_funnel_says_what_it_counts(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at="/analytics")
    funnel = as_table(page, "Conversion funnel")
    view = card(page, "Conversion funnel")
    first = datetime.now(UTC).date() - timedelta(days=29)
    expect(view).to_contain_text(re.compile(rf"Customers who were new in {first.day} \w+.* \(UTC\)"))
    wait_for(funnel_matches, funnel, stack, "month")
    view.get_by_role("radiogroup", name="Customers that the funnel counts").get_by_text("All customers").click()
    expect(view).to_contain_text("All customers, whenever they started")
    wait_for(funnel_matches, funnel, stack, "all")
    total = journey_analytics(stack)["total_customers"]
    wait_for(lambda: abs(int(cells(funnel)[0][1].replace(",", "")) - total) < 5)  # the demo continues
    page.get_by_role("radiogroup", name="Period").get_by_text("All", exact=True).click()
    expect(view.get_by_role("radiogroup")).to_have_count(0)  # both would be the same
    expect(view).to_contain_text("All customers, whenever they started")


def test_revenue_by_week_and_month(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    instant = (datetime.now(UTC) - timedelta(days=3)).isoformat(timespec="seconds")  # no longer changing
    visit.sign_in(at=f"/analytics?period=quarter&as_of={quote(instant)}")
    rows = as_table(page, "Revenue")
    for unit in ("week", "month"):
        if unit == "month":
            card(page, "Revenue").get_by_role("radiogroup", name="Revenue by").get_by_text("Month").click()
        params = {"period": "quarter", "as_of": instant, "by": unit}
        found = stack.request("GET", "/v1/portal/analytics/revenue", params=params)
        expect(rows).to_have_count(len(found["rows"]))
        assert [row[3] for row in cells(rows)] == [f"€{row['revenue']:,.2f}" for row in found["rows"]]
        assert [row[1] for row in cells(rows)] == [f"{row['appointments']:,}" for row in found["rows"]]
        total = found["total"]["revenue"]
        assert round(sum(float(row[3].replace(",", "").lstrip("€")) for row in cells(rows)), 2) == total > 0
        expect(card(page, "Revenue")).to_contain_text(f"Total €{total:,.2f}")
        difference = round(total - found["previous"]["revenue"], 2)
        text = f"{'+' if difference > 0 else '−'}€{abs(difference):,.2f} against the 90 days before"
        expect(card(page, "Revenue").locator(".change")).to_have_text(text)
