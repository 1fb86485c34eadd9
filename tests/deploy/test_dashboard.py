"""The dashboard, the alerts and how Grafana and Prometheus find them, as far as can be known without either.

That their metrics exist is held against real scrapes in `tests/background/test_company_gauges.py`.
"""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_compose import SERVICES
from tests.support.promql import Selector, scraped, selectors

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/perdure.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PROMETHEUS = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
DOCS = (ROOT / "docs/monitoring.md").read_text()


def expressions() -> dict[str, str]:
    """Every expression of dashboard and alerts, Grafana's variables replaced, by where it stands."""
    drawn = {f"{panel['title']} {target['refId']}": target["expr"] for panel in DRAWN for target in panel["targets"]}
    alerts = {rule["alert"]: rule["expr"] for rule in ALERTS}
    variables = {
        variable["name"]: re.sub(r"^label_values\((.*), (\w+)\)$", r"sum by (\2) (\1)", variable["query"]["query"])
        for variable in DASHBOARD["templating"]["list"]
        if variable["type"] == "query"
    }
    replaced = {"$company": ".*", "$__rate_interval": "5m"}
    every = {**drawn, **alerts, **variables}
    for name, value in replaced.items():
        every = {where: expression.replace(name, value) for where, expression in every.items()}
    return every


def test_every_panel_has_its_own_number_and_place() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["w"] > 0, panel["title"]
        assert place["h"] > 0, panel["title"]
        assert 0 <= place["x"] <= 24 - place["w"], panel["title"]
    for one, other in combinations(PANELS, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"], (one["title"], other["title"])


def test_every_target_asks_the_chosen_data_source() -> None:
    names = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert names == {"datasource": "datasource", "company": "query"}
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    company = DASHBOARD["templating"]["list"][1]
    assert (company["datasource"], company["multi"], company["includeAll"]) == (chosen, True, True)
    for panel in DRAWN:
        assert panel["datasource"] == chosen, panel["title"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0, panel["title"]


def test_rows_are_what_is_to_be_watched() -> None:
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == ["Journeys", "Intake", "Lag", "Workers"]
    assert DASHBOARD["schemaVersion"] >= 41
    assert DASHBOARD["uid"]


def test_a_company_is_counted_once_however_many_workers_tell_it() -> None:
    for where, expression in expressions().items():
        for selector in selectors(expression):
            if selector.name.startswith("perdure_") and "company" in selector.grouped_by:
                assert re.search(rf"(max|sum) by \([^)]*company[^)]*\) \({selector.name}", expression), where


def test_panels_ask_for_the_chosen_companies() -> None:
    for panel in DRAWN:
        for target in panel["targets"]:
            if "company" in target["expr"]:
                for part in re.findall(r"\(perdure_\w+[^)]*", target["expr"]):
                    assert 'company=~"$company"' in part, panel["title"]


def test_alerts_are_whole_and_explained() -> None:
    for rule in ALERTS:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert f"### {rule['alert']}" in DOCS, f"docs/monitoring.md does not say what to do about {rule['alert']}"
    assert {rule["alert"] for rule in ALERTS} == set(re.findall(r"^### (Perdure\w+)$", DOCS, re.MULTILINE))


def test_prometheus_finds_workers_and_gateways() -> None:
    jobs = {
        job["job_name"]: (job["dns_sd_configs"][0]["names"], job["dns_sd_configs"][0]["port"])
        for job in PROMETHEUS["scrape_configs"]
    }
    worker = int(SERVICES["worker"]["environment"]["METRICS_ADDRESS"].rpartition(":")[2])
    gateway = int(SERVICES["gateway"]["command"][-1])
    assert jobs == {"perdure-worker": (["worker"], worker), "perdure-gateway": (["gateway"], gateway)}
    assert PROMETHEUS["rule_files"] == ["alerts.yml"]


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = yaml.safe_load((provisioning / "dashboards/perdure.yml").read_text())["providers"]
    mounted = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", [Selector("up", (), frozenset())]),
        (
            'absent(up{job="a"} == 1) or vector(0)',
            [Selector("up", (("job", "=", "a"),), frozenset())],
        ),
        (
            'histogram_quantile(0.95, sum by (le, b) (rate(x_bucket{a=~"y|z", c!="}("}[5m]))) > 1',
            [Selector("x_bucket", (("a", "=~", "y|z"), ("c", "!=", "}(")), frozenset({"le", "b"}))],
        ),
        (
            "max by (c) (x) and on (c) y > 0",
            [Selector("x", (), frozenset("c")), Selector("y", (), frozenset("c"))],
        ),
    ],
)
def test_the_reading_of_expressions_itself(expression: str, expected: list[Selector]) -> None:
    assert list(selectors(expression)) == expected


def test_the_reading_of_scrapes_itself() -> None:
    text = '# TYPE x counter\nx{a="1",b="y z"} 2\nx 3.5\n'
    samples = scraped(text, job="j")
    assert samples == [("x", {"a": "1", "b": "y z", "job": "j"}, 2), ("x", {"job": "j"}, 3.5)]
    (selector,) = selectors('x{a=~"1|2", b!="y"}')
    assert selector.found(samples) == samples[:1]
    (selector,) = selectors('x{a!~"1|2"}')
    assert selector.found(samples) == samples[1:]
