"""The figures: of each period and of an instant of the past, as charts and as tables, as the gateway has them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.controls import choose, until
from tests.support.people import somebody

PERIODS = {"Day": "day", "Week": "week", "Month": "month", "Quarter": "quarter", "Year": "year", "All": "all"}
CHARTS = (
    "Conversion funnel",
    "Customers by stage",
    "Mean time in each stage",
    "Movements between stages",
    "Stages over time",
)

METRICS = {
    "Customers": "customer_count",
    "Revenue": "revenue",
    "Conversion rate": "conversion_rate",
    "Mean days in stage": "avg_time_in_stage",
}
SHAPES = {
    "customer_count": r"^[\d,]+$",
    "revenue": r"^€[\d,]+\.\d\d$",
    "conversion_rate": r"^[\d.]+%$",
    "avg_time_in_stage": r"^[\d,.]+$",
}


def figures(stack: Stack, **view: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.ask("GET", "/v1/portal/analytics/customer-journey", params=view)
    return found


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def as_table(page: Page, title: str) -> Locator:
    """The rows of a chart's table, without its head."""
    switch = card(page, title).get_by_role("switch", name=f"Show as table: {title}")
    if not switch.is_checked():
        switch.click()
    rows = card(page, title).locator("tbody tr")
    rows.first.wait_for()
    return rows


def cells(rows: Locator) -> list[list[str]]:
    found: list[list[str]] = rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return found


def customers_by_stage(stack: Stack, **view: str) -> list[list[str]]:
    known = figures(stack, **view)["distribution"]
    stages = stack.ask("GET", "/v1/stages")["stages"]
    return [[s["stage_name"], f"{known[s['stage_key']]:,}"] for s in stages if s["stage_key"] in known]


def test_each_period_has_its_figures(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    somebody(stack, "Nova Newcomer")  # so that the last day has figures too
    visit.sign_in(at="/analytics")
    picker = page.get_by_role("radiogroup", name="Period")
    expect(picker.get_by_role("radio", name="Month")).to_be_checked()
    funnel = as_table(page, "Conversion funnel")
    seen = set()
    for name, period in PERIODS.items():
        picker.get_by_text(name, exact=True).click()
        expect(picker.get_by_role("radio", name=name)).to_be_checked()
        wanted = {} if period == "month" else {"period": [period]}  # which is the default, and not in the address
        assert parse_qs(urlsplit(page.url).query) == wanted
        until(funnel_is, funnel, stack, period)
        seen.add(funnel.first.text_content())
    assert len(seen) > 2  # the figures are the period's own


def funnel_is(rows: Locator, stack: Stack, period: str) -> bool:
    steps = figures(stack, period=period)["funnel_data"]
    return [row[1] for row in cells(rows)] == [f"{step['customers']:,}" for step in steps]


def test_figures_of_an_instant_of_the_past(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at="/analytics")
    rows = as_table(page, "Customers by stage")
    expect(page.get_by_text("as of now")).to_be_visible()
    instant = (datetime.now(UTC) - timedelta(days=100)).replace(second=0, microsecond=0)
    field = page.get_by_label("As of")
    field.fill(f"{instant:%Y-%m-%dT%H:%M}")  # the browser's own zone is that of the machine
    expect(page).to_have_url(re.compile("as_of="))
    (asked,) = parse_qs(urlsplit(page.url).query)["as_of"]
    assert datetime.fromisoformat(asked) == local(instant)
    then = customers_by_stage(stack, period="month", as_of=asked)
    until(lambda: cells(rows) == then)
    expect(page.get_by_text(re.compile("^as of (?!now)"))).to_be_visible()
    page.reload()
    expect(page.get_by_label("As of")).to_have_value(f"{instant:%Y-%m-%dT%H:%M}")
    as_table(page, "Customers by stage")
    until(lambda: cells(rows) == then)

    page.get_by_role("button", name="Now").click()
    expect(page.get_by_text("as of now")).to_be_visible()
    expect(field).to_have_value("")
    until(lambda: cells(rows) == customers_by_stage(stack, period="month") != then)
    field.fill(f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M}")  # of a time to come nothing is known
    expect(page.get_by_text("as of now")).to_be_visible()
    assert "as_of" not in page.url


def local(instant: datetime) -> datetime:
    """What the browser makes of a date without a zone."""
    return instant.replace(tzinfo=None).astimezone()


def test_an_address_leads_to_its_figures(visit: Visit) -> None:
    stack = visit.stack
    instant = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds")
    visit.sign_in(at=f"/analytics?period=year&as_of={quote(instant)}")
    page = visit.page
    expect(page.get_by_role("radio", name="Year")).to_be_checked()
    rows = as_table(page, "Customers by stage")
    until(lambda: cells(rows) == customers_by_stage(stack, period="year", as_of=instant))
    page.get_by_role("radiogroup", name="Period").get_by_text("Week", exact=True).click()
    expect(page).to_have_url(re.compile("period=week&as_of="))  # of the same instant


def test_every_chart_is_a_table_too(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/analytics?period=all")
    for title in CHARTS:
        chart = card(page, title).get_by_role("img", name=title)
        expect(chart.locator("canvas, .bars").first).to_be_visible()
        rows = as_table(page, title)
        expect(chart).to_have_count(0)
        first = [cell for cell in cells(rows)[0] if cell]
        said = re.sub(r"\D", "", first[-1])
        card(page, title).get_by_role("switch").press("Space")
        expect(chart.locator("canvas, .bars").first).to_be_visible()
        expect(rows).to_have_count(0)
        summary = chart.get_attribute("aria-label") or ""
        assert said in re.sub(r"[^\d; ]", "", summary) or title == "Stages over time"


def test_the_flow_of_stages_shows_loops(visit: Visit) -> None:
    page = visit.page
    found = visit.stack.ask("GET", "/v1/portal/analytics/sankey?period=all")
    stages: dict[str, set[str]] = {link["source"].partition(":")[2]: set() for link in found["links"]}
    for link in found["links"]:
        stages[link["source"].partition(":")[2]].add(link["target"].partition(":")[2])
    assert "at_risk" in stages["regular"]
    assert "regular" in stages["at_risk"], "a loop"
    visit.sign_in(at="/analytics?period=all")
    as_table(page, "Movements between stages")
    flow = card(page, "Movements between stages")
    expect(flow.get_by_role("row", name=re.compile("At Risk.*Regular")).first).to_be_visible()
    expect(flow.get_by_role("row", name=re.compile("Regular.*At Risk")).first).to_be_visible()


def test_each_figure_of_the_stages_over_time(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at="/analytics")
    today = datetime.now(UTC).date()
    past = {"from": today - timedelta(days=25), "to": today - timedelta(days=2)}  # which nothing changes any more
    known = stack.ask("GET", "/v1/portal/analytics/stage-metrics", params=past)["stage_metrics"]
    names = {stage["stage_key"]: stage["stage_name"] for stage in stack.ask("GET", "/v1/stages")["stages"]}
    rows = as_table(page, "Stages over time")
    for name, metric in METRICS.items():
        if name != "Customers":  # which is shown at first
            choose(card(page, "Stages over time"), "Figure", name)
        one = next(row for row in reversed(known) if row[metric])
        column = card(page, "Stages over time").locator("thead th").all_text_contents().index(names[one["stage"]])
        line = (today - date.fromisoformat(one["metric_date"])).days
        expect(rows.nth(line).locator(":is(th, td)").nth(column)).to_have_text(re.compile(SHAPES[metric]))
        shown = float(re.sub(r"[^0-9.]", "", cells(rows)[line][column]))
        assert abs(shown - one[metric]) <= 0.051  # at most one place is shown
