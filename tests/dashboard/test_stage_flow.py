"""The stage flow (Sankey): loops, names, links to customers, and labels that do not overlap."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_analytics import as_table, card


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
