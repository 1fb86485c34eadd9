"""Fill an empty system with the demo company, as any company would: profiles and staff over HTTP, the history by
``journey import``. Every step can be repeated, so an interrupted start continues at the next one."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx2

from db.connections import owner_connection
from db.operations import demo
from db.operations.demo import DemoCompany
from journey.event_validation import parse
from journey.simulate import Simulation
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from local import services
from local.demo.lives import Event, lives
from local.demo.people import COMPANY, CURRENCY, NOTES, STAFF, Person, people
from local.managed_process import StartFailed

SEED = 20
CUSTOMERS = 400
CONCURRENCY = 8  # simultaneous requests
#: How many customers in each stage the system acts on, as if it had been running when they entered the stage. The demo
#: company has the default rulebook, so these are keys of its stages.
ACTED_UPON = {"lead": 8, "customer": 8, "vip": 6, "at_risk": 24}

Say = Callable[[str], None]


async def claimed(owner_url: str, say: Say) -> DemoCompany | None:
    """The demo company, created now if the system is empty; None, with a message, if it holds other data."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with owner_connection(owner_url) as connection:
        company = await demo.find(connection)
        if company is None:
            company = await demo.claim_company(connection, SEED, today.isoformat(), COMPANY, CURRENCY)
    if company is None:
        say("--demo only fills an empty system; this one already has data and stays as it is")
    elif company.filled:
        say(f"{COMPANY} exists already; new events keep coming")
    return company


def customers_of(company: DemoCompany) -> list[Person]:
    return people(company.seed, CUSTOMERS)


async def fill(
    company: DemoCompany, owner_url: str, url: str, key: str, data: Path, environment: Mapping[str, str]
) -> None:
    """Import staff, profiles, the whole history and notes. Raises StartFailed."""
    customers = customers_of(company)
    histories = lives(company.seed, datetime.fromisoformat(company.end), customers)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
            await _put_staff_and_profiles(client, customers)
            await _import(histories, company.company_id, data / "demo-history.jsonl", environment)
            recent = _acted_upon(company, histories)
            await _import(recent, company.company_id, data / "demo-current.jsonl", environment, "--actions", "current")
            await _command(["predictions", "fit", "--company", str(company.company_id)], environment)
            for person, text in zip(customers, NOTES, strict=False):
                response = await client.put(f"/v1/customers/{person.id}/notes", json={"notes": text})
                response.raise_for_status()
    except (httpx2.HTTPError, OSError) as error:
        raise StartFailed(f"the demo company could not be created: {error}") from error
    async with owner_connection(owner_url) as connection:
        await demo.mark_filled(connection, company.company_id)


async def _put_staff_and_profiles(client: httpx2.AsyncClient, customers: list[Person]) -> None:
    existing = {person["name"] for person in (await client.get("/v1/staff")).raise_for_status().json()["staff"]}
    for name, role in STAFF:
        if name not in existing:
            email = name.split()[0].lower() + "@example.com"
            (await client.post("/v1/staff", json={"name": name, "role": role, "email": email})).raise_for_status()
    left = iter(customers)

    async def put_profiles() -> None:
        for person in left:
            (await client.put(f"/v1/customers/{person.id}", json=person.profile)).raise_for_status()

    async with anyio.create_task_group() as group:
        for _ in range(CONCURRENCY):
            group.start_soon(put_profiles)


async def _import(
    histories: Mapping[str, list[Event]], company: int, file: Path, environment: Mapping[str, str], *options: str
) -> None:
    lines = [json.dumps(event) + "\n" for events in histories.values() for event in events]
    await anyio.Path(file).write_text("".join(lines))
    await _command(["import", str(file), "--company", str(company), *options], environment)


async def _command(words: list[str], environment: Mapping[str, str]) -> None:
    """Run a `journey` command. Raises StartFailed if it fails."""
    result = await anyio.run_process(
        [services.JOURNEY, *words], check=False, stdout=subprocess.PIPE, stderr=None, env=dict(environment)
    )
    if result.returncode:
        raise StartFailed(f"journey {' '.join(words)} failed:\n  {result.stdout.decode(errors='replace')}")


def _acted_upon(company: DemoCompany, histories: Mapping[str, list[Event]]) -> dict[str, list[Event]]:
    """The histories of a few customers in each stage as of today."""
    simulation = Simulation(DEFAULT_RULEBOOK, to_micros(datetime.fromisoformat(company.end)))
    by_stage: dict[str, list[str]] = {}
    for customer, events in histories.items():
        stage = simulation.add([parse(json.dumps(event)) for event in events]).stage
        by_stage.setdefault(stage or "", []).append(customer)
    chance = random.Random(company.seed)
    chosen: list[str] = []
    for stage, count in ACTED_UPON.items():
        in_stage = by_stage.get(stage, [])
        chosen += chance.sample(in_stage, min(count, len(in_stage)))
    return {customer: histories[customer] for customer in chosen}
