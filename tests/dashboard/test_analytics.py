"""Analytics of every period and of a time in the past, as charts and as tables, compared with the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import Stack, Visit
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


def journey_analytics(stack: Stack, **view: str) -> dict[str, Any]:
    answer: dict[str, Any] = stack.request("GET", "/v1/portal/analytics/customer-journey", params=view)
    return answer


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def as_table(page: Page, title: str) -> Locator:
    """Switch a chart to its table, and return the table's rows without the header."""
    switch = card(page, title).get_by_role("switch", name=f"Show as table: {title}")
    if not switch.is_checked():
        switch.click()
    rows = card(page, title).locator("tbody tr")
    rows.first.wait_for()
    return rows


def cells(rows: Locator) -> list[list[str]]:
    texts: list[list[str]] = rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return texts


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


def funnel_matches(rows: Locator, stack: Stack, period: str) -> bool:
    steps = journey_analytics(stack, period=period)["funnel_data"]
    return [row[1] for row in cells(rows)] == [f"{step['customers']:,}" for step in steps]


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


def test_the_stage_flow_shows_loops(visit: Visit) -> None:
    page = visit.page
    sankey = visit.stack.request("GET", "/v1/portal/analytics/sankey?period=all")
    stages: dict[str, set[str]] = {link["source"].partition(":")[2]: set() for link in sankey["links"]}
    for link in sankey["links"]:
        stages[link["source"].partition(":")[2]].add(link["target"].partition(":")[2])
    assert "at_risk" in stages["regular"]
    assert "regular" in stages["at_risk"]
    visit.sign_in(at="/analytics?period=all")
    as_table(page, "Stage flow")
    flow = card(page, "Stage flow")
    expect(flow.get_by_role("row", name=re.compile("At Risk.*Regular")).first).to_be_visible()
    expect(flow.get_by_role("row", name=re.compile("Regular.*At Risk")).first).to_be_visible()


def test_the_stage_flow_names_what_it_shows_and_leads_to_customers(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/analytics?period=all")
    chart = card(page, "Stage flow").get_by_role("img", name="Stage flow")
    chart.scroll_into_view_if_needed()
    expect(chart.locator("canvas").first).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    tooltip = page.locator(".g2-tooltip:visible")

    def text_at(x: float, y: float) -> str:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(100)
        return tooltip.first.inner_text() if tooltip.count() else ""

    names = {stage["stage_name"] for stage in visit.stack.request("GET", "/v1/stages")["stages"]}
    ribbons = [text for y in range(20, 440, 30) if " → " in (text := text_at(box["width"] / 8, y))]
    assert ribbons
    for ribbon in ribbons:
        ends = re.fullmatch(r"(.+) → (.+)\s+([\d,]+)", ribbon.strip())
        assert ends is not None, ribbon
        assert {ends[1], ends[2]} <= names
    x, y = next((x, y) for y in range(20, 440, 20) for x in (4, 8, 20) if text_at(x, y).split("\n")[0] in names)
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.wait_for_url(re.compile(r"/customers\?stage=\w+"))
    (stage,) = parse_qs(urlsplit(page.url).query)["stage"]
    tags = page.get_by_role("table").locator("tbody .stage-tag")
    expect(tags.first).to_be_visible()
    assert {tag.lower().replace(" ", "_") for tag in tags.all_text_contents()} == {stage}


# Charts are drawn on canvases: note where each text of the stage flow was drawn, in the pixels of the page.
NOTE_TEXTS = """
window.drawnTexts = new Map();
const draw = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    if (this.canvas.closest('[aria-label^="Stage flow"]') && text.trim() !== "") {
        const size = this.measureText(text), matrix = this.getTransform();
        const scale = this.canvas.width / this.canvas.clientWidth;
        const at = (x, y) => {
            const point = matrix.transformPoint(new DOMPoint(x, y));
            return [point.x / scale, point.y / scale];
        };
        const [left, top] = at(x - size.actualBoundingBoxLeft, y - size.actualBoundingBoxAscent);
        const [right, bottom] = at(x + size.actualBoundingBoxRight, y + size.actualBoundingBoxDescent);
        const { clientWidth: width, clientHeight: height } = this.canvas;
        window.drawnTexts.set([text, left, top].join(), { text, left, top, right, bottom, width, height });
    }
    return draw.call(this, text, x, y, ...rest);
};
"""


@pytest.mark.parametrize("width", [390, 1280, 1440])
@pytest.mark.parametrize("period", ["month", "year", "all"])
def test_labels_of_the_stage_flow_do_not_overlap(make_visit: Callable[..., Visit], width: int, period: str) -> None:
    visit = make_visit(viewport={"width": width, "height": 900})
    page = visit.page
    page.add_init_script(NOTE_TEXTS)
    instant = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds")  # no longer changing
    visit.sign_in(at=f"/analytics?period={period}&as_of={quote(instant)}")
    chart = card(page, "Stage flow").get_by_role("img", name="Stage flow")
    expect(chart.locator("canvas").first).to_be_visible()
    page.wait_for_function("window.drawnTexts.size > 2")
    page.wait_for_timeout(500)
    labels = page.evaluate("[...window.drawnTexts.values()]")
    for one, other in combinations(labels, 2):
        apart = (
            one["right"] <= other["left"]
            or other["right"] <= one["left"]
            or one["bottom"] <= other["top"]
            or other["bottom"] <= one["top"]
        )
        assert apart, f"{one} overlaps {other}"
    for label in labels:
        assert label["left"] >= 0, label
        assert label["top"] >= 0, label
        assert label["right"] <= label["width"], label
        assert label["bottom"] <= label["height"], label
    # the largest node of the first step is named, whatever does not fit
    flow = visit.stack.request("GET", "/v1/portal/analytics/sankey", params={"period": period, "as_of": instant})
    largest = max((link for link in flow["links"] if link["source"].startswith("0:")), key=lambda link: link["count"])
    names = {s["stage_key"]: s["stage_name"] for s in visit.stack.request("GET", "/v1/stages")["stages"]}
    name = names[largest["source"].partition(":")[2]]
    assert any(label["text"].startswith(name) for label in labels), (name, labels)


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
