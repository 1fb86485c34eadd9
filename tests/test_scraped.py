"""Scrape a real worker and gateway: every metric of dashboard and alerts exists and agrees with the API.

Metrics of failures are produced by real failures: refused mails, a workflow that cannot run, Postgres or Temporal down.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client

from background.company_gauges import GAUGES
from contracts.names import JOURNEY, TASK_QUEUE
from db.connections import owner_connection
from db.people import api_keys, companies
from local import services
from local.embedded import Temporal, free_port, running
from tests.background.test_company_gauges import away
from tests.conftest import NewDatabase
from tests.deploy.test_dashboard import PROMETHEUS, expressions
from tests.support.outside import MailBehaviour, SmtpServer
from tests.support.promql import Sample, scraped, selectors

PATIENCE = 40.0  # seconds
CUSTOMERS = 6
LOSE_A_TIMER = """
update customer_relationships r set next_deadline = now() - interval '20 minutes'
  from customers c where c.id = r.customer_id and c.external_id = 'c-3'
"""


@dataclass
class Scene:
    """The scrapes of the services and the API's answers about the one company at the same time."""

    company: int = 0
    workers: list[Sample] = field(default_factory=list)
    gateways: list[Sample] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    analytics: dict[str, Any] = field(default_factory=dict)
    risks: list[float] = field(default_factory=list)
    actions: dict[str, int] = field(default_factory=dict)
    open_tasks: int = 0

    def gauge(self, name: str) -> dict[str, float]:
        """The company's series of a gauge, by the value of its other label ("" without one)."""
        return {
            "".join(value for label, value in labels.items() if label not in ("company", "job")): figure
            for found, labels, figure in self.workers
            if found == name and labels["company"] == str(self.company)
        }


async def until(holds: Callable[[], Awaitable[Any]], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := await holds()):
        assert time.monotonic() < end, what
        await asyncio.sleep(0.2)
    return found


async def scrape(address: str) -> str:
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        return (await client.get(f"http://{address}/metrics")).text


async def scrape_with(address: str, text: str) -> str:
    """Scrape until the result contains a text."""

    async def look() -> str | None:
        return found if text in (found := await scrape(address)) else None

    found: str = await until(look, f"{address} does not export {text}")
    return found


@pytest.fixture(scope="module")
def database_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A separate database, whose only company is the watched one."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(postgres_url: str, database_url: str) -> AsyncIterator[Scene]:
    scene = Scene()
    async with owner_connection(database_url) as connection:
        scene.company = await companies.create(connection, "Watched")
        _, key = await api_keys.create(connection, scene.company, "key", api_keys.SCOPES)
        quiet = '{"outreach": {"quiet_from": "00:00", "quiet_to": "00:00"}}'  # never: tests run at night, too
        await connection.execute("update companies set settings = %s", [quiet])
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="perdure-"))
        temporal = AsyncExitStack()  # ends before all others
        address = (await temporal.enter_async_context(running(Temporal(Path(folder), port=free_port())))).address
        stack.push_async_exit(temporal)
        mails = await stack.enter_async_context(SmtpServer())
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": address,
            "SMTP_URL": mails.url,
            "LINK_SECRET": "signs the links of the tests",
            "CACHED_JOURNEYS": "1",  # so that journeys are evicted and replayed
        }
        client = await Client.connect(address)
        first, second = (f"127.0.0.1:{free_port()}" for _ in range(2))

        async def begin(metrics: str) -> None:
            worker = services.Worker(client, {**environment, "METRICS_ADDRESS": metrics}, lambda name, line: None)
            await stack.enter_async_context(running(worker))

        gateway = services.Gateway(free_port(), environment, lambda name, line: None)
        await begin(first)
        await stack.enter_async_context(running(gateway))
        api = httpx2.AsyncClient(
            base_url=gateway.url, headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )
        await stack.enter_async_context(api)

        await live(api, mails)
        await fail(api, client, postgres_url, database_url, first)
        await begin(second)  # a worker reads the gauges when it starts, and this one starts after all changes
        await look(scene, api, second)
        scene.texts["first worker"] = await scrape(first)
        await temporal.aclose()
        refused = await api.post("/v1/events", json=call("c-0", "refused"))
        assert refused.status_code == 503, refused.text
        address = gateway.url.removeprefix("http://")
        scene.texts["gateway"] = await scrape_with(address, 'status="503"')
        workers, gateways = (job["job_name"] for job in PROMETHEUS["scrape_configs"])
        for name in ("first worker", "second worker"):
            scene.workers += scraped(scene.texts[name], job=workers)
        scene.gateways = scraped(scene.texts["gateway"], job=gateways)
        yield scene


async def live(api: httpx2.AsyncClient, mails: SmtpServer) -> None:
    """A few leads, a VIP and one at risk; a mail accepted at the third attempt, one refused permanently."""
    for number in range(CUSTOMERS):
        profile = {"email": f"c-{number}@example.com", "consent": {"email": True}}
        assert (await api.put(f"/v1/customers/c-{number}", json=profile)).status_code < 300
    mails.behaviour = MailBehaviour(
        "451 4.3.0 later", times=2
    )  # the first attempt, of all actions together, does not fail the activity
    await sent(api, call("c-0", "call 0"))
    await until(lambda: has(api, "c-0", "send_welcome_email", "succeeded"), "the mail is not retried")
    mails.behaviour = MailBehaviour("550 5.1.1 nobody", at="rcpt")
    await sent(api, call("c-1", "call 1"))
    await until(lambda: has(api, "c-1", "send_welcome_email", "failed"), "the mail does not fail")
    mails.behaviour = MailBehaviour()
    await sent(api, visit("c-2", "visit 2", days=0))
    await sent(api, visit("c-3", "visit 3", days=120))
    for number in range(CUSTOMERS):
        await sent(api, call(f"c-{number}", f"again {number}"))
    assert (await api.post("/v1/events", json={"id": "x"})).status_code == 422


def call(customer: str, name: str) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"id": name, "type": "call.received", "customer_id": customer, "occurred_at": at, "duration_seconds": 90}


def visit(customer: str, name: str, days: int) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    event = {"id": name, "type": "appointment.completed", "customer_id": customer, "occurred_at": at}
    return {**event, "amount": "1200.00"}


async def sent(api: httpx2.AsyncClient, event: dict[str, Any]) -> None:
    async def applied() -> bool:
        answer = await api.post("/v1/events?wait=5", json=event)
        assert answer.status_code == 200, answer.text
        return answer.json()["outcomes"][0]["outcome"] in ("applied", "duplicate")

    await until(applied, f"{event} is not applied")


async def has(api: httpx2.AsyncClient, customer: str, action: str, status: str) -> bool:
    found = (await api.get("/v1/portal/actions", params={"customer_id": customer})).json()["actions"]
    return any((one["action"], one["status"]) == (action, status) for one in found)


async def fail(api: httpx2.AsyncClient, client: Client, postgres_url: str, database_url: str, address: str) -> None:
    """An unknown customer, a workflow that cannot run, Postgres down for a while, a lost timer."""
    unknown = await api.post("/v1/customers/nobody/stage", json={"stage": "vip", "reason": "to see"})
    assert unknown.status_code == 404
    blocked = await client.start_workflow(JOURNEY, "no start", id="blocked", task_queue=TASK_QUEUE)
    await scrape_with(address, "temporal_workflow_task_execution_failed{")
    await blocked.terminate()
    with away(postgres_url, database_url):
        assert (await api.post("/v1/events", json=call("c-1", "while Postgres is down"))).status_code == 202
        await scrape_with(address, "temporal_local_activity_execution_failed{")
    await until(lambda: healed(api), "the worker does not recover")
    with psycopg.connect(database_url) as connection:
        connection.execute(LOSE_A_TIMER)


async def healed(api: httpx2.AsyncClient) -> bool:
    answer = await api.get("/v1/portal/customers/c-1/journey")
    if answer.status_code != 200 or "while Postgres is down" not in answer.text:
        return False
    found = (await api.get("/v1/portal/actions", params={"status": "pending"})).json()["actions"]
    return all(datetime.fromisoformat(one["due_at"]) > datetime.now(UTC) for one in found)


async def look(scene: Scene, api: httpx2.AsyncClient, address: str) -> None:
    """Scrape a worker that has just started, and query the API."""
    scene.texts["second worker"] = await scrape_with(address, "perdure_figures_timestamp_seconds{")
    scene.analytics = (await api.get("/v1/portal/analytics/customer-journey")).json()
    relationships = (await api.get("/v1/portal/relationships")).json()["relationships"]
    scene.risks = [one["risk_score"] for one in relationships]
    scene.actions = Counter(one["status"] for one in (await api.get("/v1/portal/actions")).json()["actions"])
    scene.open_tasks = len((await api.get("/v1/portal/tasks")).json()["tasks"])


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("where", expressions())
async def test_every_selected_series_exists(scene: Scene, where: str) -> None:
    jobs = {labels["job"] for _, labels, _ in scene.workers + scene.gateways}
    own: list[Sample] = [("up", {"job": job}, 1.0) for job in jobs]  # Prometheus's own
    samples = scene.workers + scene.gateways + own
    for selector in selectors(expressions()[where]):
        found = selector.found(samples)
        assert found, f"nothing exports {selector.name} with {selector.matchers}"
        for name, labels, _ in found:
            assert selector.grouped_by <= labels.keys(), f"{name} has the labels {sorted(labels)}"


async def test_gauges_agree_with_the_api(scene: Scene) -> None:
    assert scene.gauge("perdure_stage_customers") == scene.analytics["distribution"]
    assert scene.analytics["distribution"]["at_risk"] == 1
    assert scene.analytics["distribution"]["vip"] == 1
    seconds = scene.gauge("perdure_stage_seconds")
    days = dict.fromkeys(scene.analytics["distribution"], 0) | scene.analytics["stage_times"]
    assert seconds == pytest.approx({stage: mean * 86_400 for stage, mean in days.items()}, abs=60)
    assert seconds["at_risk"] == pytest.approx(30 * 86_400, abs=60)
    funnel = scene.analytics["funnel_data"]
    assert scene.gauge("perdure_funnel_customers") == {step["stage"]: step["customers"] for step in funnel}
    conversion = {step["stage"]: step["conversionRate"] / 100 for step in funnel[1:]}
    assert scene.gauge("perdure_conversion_ratio") == pytest.approx(conversion)
    assert 0 < conversion["customer"] < 1


async def test_risk_actions_tasks_and_lag_agree_with_the_api(scene: Scene) -> None:
    risk = scene.gauge("perdure_risk_customers")
    assert sum(risk.values()) == len(scene.risks) == CUSTOMERS
    assert risk["0"] == sum(score == 0 for score in scene.risks)
    assert risk["0.3-0.7"] == sum(0.3 < score <= 0.7 for score in scene.risks) == 1
    actions = scene.gauge("perdure_actions")
    assert actions == {status: scene.actions[status] for status in ("succeeded", "failed", "suppressed", "cancelled")}
    assert actions["failed"] == 1
    ratio = actions["succeeded"] / (actions["succeeded"] + 1)
    assert scene.gauge("perdure_automation_success_ratio") == {"": pytest.approx(ratio)}
    assert scene.gauge("perdure_open_tasks") == {"": scene.open_tasks}
    assert scene.open_tasks > 0
    assert scene.gauge("perdure_overdue_seconds")[""] == pytest.approx(1200, abs=30)
    assert scene.gauge("perdure_figures_timestamp_seconds")[""] == pytest.approx(time.time(), abs=120)


async def test_the_gateway_exports_no_company_gauges(scene: Scene) -> None:
    assert "company" not in scene.texts["gateway"]
    assert not any(name in scene.texts["gateway"] for name in GAUGES)


async def test_no_name_is_exported(scene: Scene) -> None:
    for name, text in scene.texts.items():
        for word in ("example.com", "c-1", "Watched", "blocked"):
            assert word not in text, f"{name} exports {word}"


async def test_every_gauge_is_exported_and_documented(scene: Scene) -> None:
    docs = (Path(__file__).parents[1] / "docs/monitoring.md").read_text()
    for name in GAUGES:
        assert scene.gauge(name), name
        assert f"| `{name}` |" in docs
