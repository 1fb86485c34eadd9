"""Brings the invented salon into an empty system, by the ways that any company has: profiles and staff over HTTP, the
history by ``journey import``. All of it can be repeated, so that an interrupted start is simply gone on with."""

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
from journey.events import parse
from journey.simulate import Simulation
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from local import services
from local.demo.lives import Event, lives
from local.demo.people import COMPANY, CURRENCY, NOTES, STAFF, Person, people
from local.managed_process import StartFailed

SEED = 20
CUSTOMERS = 400
LANES = 8  # requests under way at once
#: How many customers in each stage the system acts on, as if it had been running when they entered the stage. The demo
#: company has the default rulebook, so these are keys of its stages.
ACTED_UPON = {"lead": 8, "customer": 8, "vip": 6, "at_risk": 24}

Say = Callable[[str], None]


async def claimed(owner_url: str, say: Say) -> DemoCompany | None:
    """The invented company, in an empty system made now; None, which is said, where there is another one's data."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with owner_connection(owner_url) as connection:
        company = await demo.find(connection)
        if company is None:
            company = await demo.claim_company(connection, SEED, today.isoformat(), COMPANY, CURRENCY)
    if company is None:
        say("--demo fills only an empty system; this one goes on with what is there")
    elif company.filled:
        say(f"{COMPANY} is there already and lives on")
    return company


def customers_of(company: DemoCompany) -> list[Person]:
    return people(company.seed, CUSTOMERS)


async def fill(
    company: DemoCompany, owner_url: str, url: str, key: str, data: Path, environment: Mapping[str, str]
) -> None:
    """Bring the whole history in. Raises StartFailed."""
    customers = customers_of(company)
    histories = lives(company.seed, datetime.fromisoformat(company.end), customers)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
            await _profiles(client, customers)
            await _import(histories, company.company_id, data / "demo-history.jsonl", environment)
            some = _acted_upon(company, histories)
            await _import(some, company.company_id, data / "demo-current.jsonl", environment, "--actions", "current")
            await _command(["predictions", "fit", "--company", str(company.company_id)], environment)
            for person, text in zip(customers, NOTES, strict=False):
                answer = await client.put(f"/v1/customers/{person.id}/notes", json={"notes": text})
                answer.raise_for_status()
    except (httpx2.HTTPError, OSError) as error:
        raise StartFailed(f"the invented company could not be made: {error}") from error
    async with owner_connection(owner_url) as connection:
        await demo.mark_filled(connection, company.company_id)


async def _profiles(client: httpx2.AsyncClient, customers: list[Person]) -> None:
    there = {person["name"] for person in (await client.get("/v1/staff")).raise_for_status().json()["staff"]}
    for name, role in STAFF:
        if name not in there:
            email = name.split()[0].lower() + "@example.com"
            (await client.post("/v1/staff", json={"name": name, "role": role, "email": email})).raise_for_status()
    left = iter(customers)

    async def lane() -> None:
        for person in left:
            (await client.put(f"/v1/customers/{person.id}", json=person.profile)).raise_for_status()

    async with anyio.create_task_group() as group:
        for _ in range(LANES):
            group.start_soon(lane)


async def _import(
    histories: Mapping[str, list[Event]], company: int, file: Path, environment: Mapping[str, str], *options: str
) -> None:
    lines = [json.dumps(event) + "\n" for events in histories.values() for event in events]
    await anyio.Path(file).write_text("".join(lines))
    await _command(["import", str(file), "--company", str(company), *options], environment)


async def _command(words: list[str], environment: Mapping[str, str]) -> None:
    """A `journey` command that must end well. Raises StartFailed."""
    done = await anyio.run_process(
        [services.JOURNEY, *words], check=False, stdout=subprocess.PIPE, stderr=None, env=dict(environment)
    )
    if done.returncode:
        raise StartFailed(f"journey {' '.join(words)} failed:\n  {done.stdout.decode(errors='replace')}")


def _acted_upon(company: DemoCompany, histories: Mapping[str, list[Event]]) -> dict[str, list[Event]]:
    """The histories of a few who stand in each stage today."""
    simulation = Simulation(DEFAULT_RULEBOOK, to_micros(datetime.fromisoformat(company.end)))
    by_stage: dict[str, list[str]] = {}
    for customer, events in histories.items():
        stage = simulation.add([parse(json.dumps(event)) for event in events]).stage
        by_stage.setdefault(stage or "", []).append(customer)
    chance = random.Random(company.seed)
    chosen: list[str] = []
    for stage, count in ACTED_UPON.items():
        standing = by_stage.get(stage, [])
        chosen += chance.sample(standing, min(count, len(standing)))
    return {customer: histories[customer] for customer in chosen}
