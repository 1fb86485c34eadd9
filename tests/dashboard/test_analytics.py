"""Analytics of every period and of a time in the past, as charts and as tables, compared with the API."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Route, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_analytics import as_table, card, cells, funnel_matches, journey_analytics
from tests.support.dashboard_controls import select_option, wait_for
from tests.support.dashboard_customers import new_prospect

PERIODS = {"Day": "day", "Week": "week", "Month": "month", "Quarter": "quarter", "Year": "year", "All": "all"}
CHARTS = (
    "Conversion funnel",
    "Customers by stage",
    "Average time in each stage",
    "Revenue",
    "Stage flow",
    "Stages over time",
)

METRICS = {
    "Customers": "customer_count",
    "Revenue": "revenue",
    "Conversion rate": "conversion_rate",
    "Average days in stage": "avg_time_in_stage",
}
SHAPES = {
    "customer_count": r"^[\d,]+$",
    "revenue": r"^€[\d,]+\.\d\d$",
    "conversion_rate": r"^[\d.]+%$",
    "avg_time_in_stage": r"^[\d,.]+$",
}


def customers_by_stage(stack: Stack, **view: str) -> list[list[str]]:
    distribution = journey_analytics(stack, **view)["distribution"]
    stages = stack.request("GET", "/v1/stages")["stages"]
    return [[s["stage_name"], f"{distribution[s['stage_key']]:,}"] for s in stages if s["stage_key"] in distribution]


def test_each_period_has_its_own_data(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    new_prospect(stack, "Nova Newcomer")  # so that the last day has data
    visit.sign_in(at="/analytics")
    picker = page.get_by_role("radiogroup", name="Period")
    expect(picker.get_by_role("radio", name="Month")).to_be_checked()
    funnel = as_table(page, "Conversion funnel")
    first_rows = set()
    for name, period in PERIODS.items():
        picker.get_by_text(name, exact=True).click()
        expect(picker.get_by_role("radio", name=name)).to_be_checked()
        expected = {} if period == "month" else {"period": [period]}  # the default is not in the URL
        assert parse_qs(urlsplit(page.url).query) == expected
        wait_for(funnel_matches, funnel, stack, period)
        first_rows.add(funnel.first.text_content())
    assert len(first_rows) > 2


def test_analytics_as_of_a_time_in_the_past(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at="/analytics")
    rows = as_table(page, "Customers by stage")
    expect(page.get_by_text("As of now")).to_be_visible()
    instant = (datetime.now(UTC) - timedelta(days=100)).replace(second=0, microsecond=0)
    field = page.get_by_label("As of")
    field.fill(f"{instant:%Y-%m-%dT%H:%M}")  # the browser has the time zone of this machine
    expect(page).to_have_url(re.compile("as_of="))
    (as_of,) = parse_qs(urlsplit(page.url).query)["as_of"]
    assert datetime.fromisoformat(as_of) == local(instant)
    then = customers_by_stage(stack, period="month", as_of=as_of)
    wait_for(lambda: cells(rows) == then)
    expect(page.get_by_text(re.compile("^As of (?!now)"))).to_be_visible()
    page.reload()
    expect(page.get_by_label("As of")).to_have_value(f"{instant:%Y-%m-%dT%H:%M}")
    as_table(page, "Customers by stage")
    wait_for(lambda: cells(rows) == then)

    page.get_by_role("button", name="Now").click()
    expect(page.get_by_text("As of now")).to_be_visible()
    expect(field).to_have_value("")
    wait_for(lambda: cells(rows) == customers_by_stage(stack, period="month") != then)
    field.fill(f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M}")  # a time in the future is refused
    expect(page.get_by_role("alert")).to_have_text("Choose a time in the past")
    expect(page.get_by_text("As of now")).to_be_visible()
    assert "as_of" not in page.url


def test_a_period_that_is_loading_shows_no_figures_of_another(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/analytics")
    for title in CHARTS:
        as_table(page, title)
    pending: list[Route] = []
    page.route("**/v1/portal/analytics/*period=year*", lambda route: pending.append(route))
    page.route("**/v1/portal/analytics/stage-metrics*", lambda route: pending.append(route))
    page.get_by_role("radiogroup", name="Period").get_by_text("Year", exact=True).click()
    for title in CHARTS:
        expect(card(page, title).get_by_role("status", name="Loading…")).to_be_visible()
        expect(card(page, title).locator("tbody tr")).to_have_count(0)
    expect(card(page, "Key figures")).not_to_contain_text(re.compile(r"\d"))
    for route in pending:
        route.continue_()
    for title in CHARTS:
        expect(card(page, title).locator("tbody tr").first).to_be_visible()
    expect(card(page, "Key figures")).to_contain_text(re.compile(r"\d"))


def local(instant: datetime) -> datetime:
    """Interpret a time without time zone in the local time zone, as browsers do."""
    return instant.replace(tzinfo=None).astimezone()


def test_a_url_selects_period_and_time(visit: Visit) -> None:
    stack = visit.stack
    instant = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds")
    visit.sign_in(at=f"/analytics?period=year&as_of={quote(instant)}")
    page = visit.page
    expect(page.get_by_role("radio", name="Year")).to_be_checked()
    rows = as_table(page, "Customers by stage")
    wait_for(lambda: cells(rows) == customers_by_stage(stack, period="year", as_of=instant))
    page.get_by_role("radiogroup", name="Period").get_by_text("Week", exact=True).click()
    expect(page).to_have_url(re.compile("period=week&as_of="))  # the time is kept


def test_every_chart_is_also_a_table(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/analytics?period=all")
    for title in CHARTS:
        chart = card(page, title).get_by_role("img", name=title)
        expect(chart.locator("canvas, .bars").first).to_be_visible()
        rows = as_table(page, title)
        expect(chart).to_have_count(0)
        first = [cell for cell in cells(rows)[0] if cell]
        digits = re.sub(r"\D", "", first[-1])
        card(page, title).get_by_role("switch").press("Space")
        expect(chart.locator("canvas, .bars").first).to_be_visible()
        expect(rows).to_have_count(0)
        summary = chart.get_attribute("aria-label") or ""
        assert digits in re.sub(r"[^\d; ]", "", summary) or title == "Stages over time"


def test_each_metric_of_the_stages_over_time(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at="/analytics")
    today = datetime.now(UTC).date()
    past = {"from": today - timedelta(days=25), "to": today - timedelta(days=2)}  # no longer changing
    metrics = stack.request("GET", "/v1/portal/analytics/stage-metrics", params=past)["stage_metrics"]
    names = {stage["stage_key"]: stage["stage_name"] for stage in stack.request("GET", "/v1/stages")["stages"]}
    rows = as_table(page, "Stages over time")
    for name, metric in METRICS.items():
        if name != "Customers":  # selected by default
            select_option(card(page, "Stages over time"), "Metric", name)
        one = next(row for row in reversed(metrics) if row[metric])
        column = card(page, "Stages over time").locator("thead th").all_text_contents().index(names[one["stage"]])
        row_number = (today - date.fromisoformat(one["metric_date"])).days
        expect(rows.nth(row_number).locator(":is(th, td)").nth(column)).to_have_text(re.compile(SHAPES[metric]))
        shown = float(re.sub(r"[^0-9.]", "", cells(rows)[row_number][column]))
        assert abs(shown - one[metric]) <= 0.051  # shown with one decimal
