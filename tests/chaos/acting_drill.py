"""The drill with actions on: workers are killed repeatedly while journeys enter stages and stage actions run.

    python -m tests.chaos.drill --actions [--journeys 500] [--kills 20] [--seconds 120] [--workers 2] [--seed 1]

Mails go to the mail server of the tests, texts and webhooks to their web server (the test packages must be installed);
both refuse some messages for a while. When the stream has ended and the system is idle, the invariants of journeys and
of their actions are checked. A kill repeats the messages in flight: those that a server has accepted and that are not
recorded yet, several at once on a loaded machine.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from activities.channels.webhook import new_secret
from journey.time import DAY, Micros, utc_text
from tests.chaos import acting_invariants, invariants
from tests.chaos.acted import Acted, read_all
from tests.chaos.acting_invariants import repeats, violations
from tests.chaos.drill import PATIENCE, Drill, Options, drill
from tests.chaos.invariants import Finding
from tests.chaos.report import parts_table, print_findings
from tests.chaos.stream import Call
from tests.support.outside import Answer, HttpServer, MailBehaviour, SmtpServer

HOUR = DAY // 24
SAME_DAY = [{"type": kind, "day": 0} for kind in ("email", "sms", "call", "offer")]
ALWAYS = {"quiet_from": "00:00", "quiet_to": "00:00", "cap_messages": 100}  # the drill is also run at night
STAFF = {"sales": 3, "manager": 2}  # in each company except the last, which has neither managers nor an endpoint
UNWILLING = 7  # one customer in this many has not consented to mail
REPEATED = 0.08  # share of requests sent twice
BAD_WEATHER = 0.25  # probability per second that a server starts to refuse
REFUSALS = (429, 500, 503)


class Happening(NamedTuple):
    """An event of a journey. It occurs `ago` µs before it is sent."""

    type: str
    ago: int = 0
    fields: dict[str, Any] = {}  # noqa: RUF012 - never written to


def visit(amount: int, ago: int = 0) -> Happening:
    return Happening("appointment.completed", ago, {"amount": f"{amount}.00"})


def ticket(name: str) -> Happening:
    return Happening("support_ticket.opened", 0, {"ticket_id": name})


CALL = Happening("call.received", 0, {"duration_seconds": 100})
#: Regular, just below a high risk: fewer visits than before, the last a while ago, one missed.
FADING = [visit(100, 170 * DAY), visit(100, 165 * DAY), visit(100, 65 * DAY), Happening("appointment.missed", 64 * DAY)]
#: The 90 days ended some hours ago: at risk since then, recent enough for actions to run.
GONE = [visit(200, 90 * DAY + 5 * HOUR)]
#: The events of journeys; each inner list is sent in one request.
LIVES: list[list[list[Happening]]] = [
    [[CALL], [visit(100)], [visit(200)], [visit(800)]],
    [[CALL], [visit(100)], [visit(950)]],
    [[CALL], [visit(100), visit(100)], [visit(100)]],
    [[CALL, visit(100)]],
    [[visit(1200)]],
    [GONE],
    [GONE, [visit(100)]],
    [GONE, [visit(100)], [visit(900)]],
    [FADING, [ticket("a"), ticket("b")]],
    [FADING, [ticket("a")], [ticket("b")], [visit(900)]],
]


def plan(chance: random.Random, companies: Sequence[int], journeys: int, now: int, seconds: float) -> list[Call]:
    """All requests, each journey's in the order of its events, spread over `seconds` from `now` (µs)."""
    lives = {}
    for number in range(journeys):
        company, customer = companies[number % len(companies)], f"c-{number // len(companies)}"
        lives[company, customer] = list(LIVES[number // len(companies) % len(LIVES)])
    turns = [name for name, life in lives.items() for _ in life]
    chance.shuffle(turns)
    calls: list[Call] = []
    for place, (company, customer) in enumerate(turns):
        sent_at = now + int(place / len(turns) * seconds * 1e6)
        events = []
        for number, happening in enumerate(lives[company, customer].pop(0)):
            fields = {"id": f"e-{place}-{number}", "type": happening.type, "customer_id": customer}
            at = {"occurred_at": utc_text(Micros(sent_at - happening.ago + number))}
            events.append({**fields, **at, **happening.fields})
        call = Call(company, tuple(events))
        calls += [call, replace(call, again=True)] if chance.random() < REPEATED else [call]
    return calls


@dataclass
class Acting:
    """The drill's parts and the servers that receive its messages."""

    drill: Drill
    smtp: SmtpServer
    http: HttpServer

    async def run(self) -> None:
        """Run the stream, the kills and the refusals; return when every call is answered and every worker is up."""
        done, options = self.drill, self.drill.options
        chance = random.Random(options.seed)
        now = time.time_ns() // 1000
        calls = plan(chance, list(done.company_keys), options.journeys, now, options.seconds)
        workers = [name for name in done.parts if name.startswith("worker")]
        await done.live(calls, done.strike(workers, random.Random(f"{options.seed} blows")), self._refuse_some())

    async def _refuse_some(self) -> None:
        """Let the servers refuse single messages in different ways."""
        chance = random.Random(f"{self.drill.options.seed} weather")
        end = time.monotonic() + self.drill.options.seconds
        while time.monotonic() < end:
            if chance.random() < BAD_WEATHER:
                later = MailBehaviour(answer="451 4.3.0 later", times=chance.randint(1, 3))
                self.smtp.behaviour = chance.choice((later, replace(later, at="mail"), replace(later, at="rcpt")))
            if chance.random() < BAD_WEATHER:
                path = chance.choice(["/sms", *(f"/hook/{company}" for company in self.drill.company_keys)])
                refusal = Answer(status=chance.choice(REFUSALS), headers={"Retry-After": "1"})
                self.http.behaviours[path] = replace(refusal, times=chance.randint(1, 3))
            await asyncio.sleep(1.0)

    async def look(self) -> Acted:
        return await read_all(self.drill.database_url, self.drill.client, self.smtp, self.http)

    @property
    def kills(self) -> int:
        return self.drill.kills.total()

    async def check(self, patience: float = PATIENCE) -> tuple[list[Finding], Acted]:
        """Every violated invariant of journeys and actions once the system is idle, and the data that was checked."""
        until = time.monotonic() + patience
        of_journeys = await self.drill.check(patience)
        while True:
            acted = await self.look()
            found = violations(acted, self.kills)
            if not found or time.monotonic() > until:
                return of_journeys + found, acted
            await asyncio.sleep(2.0)


@asynccontextmanager
async def acting(data: Path, options: Options) -> AsyncIterator[Acting]:
    """The system of the drill in `data`, with staff, customers and message servers."""
    async with SmtpServer() as smtp, HttpServer() as http:
        settings = {
            "SMTP_URL": smtp.url,
            "SMS_URL": http.url.replace("http://", "http://sid:token@") + "/sms?From=%2B15550100",
            "WEBHOOK_ALLOW": f"127.0.0.1:{http.port}",
            "LINK_SECRET": "the secret of the drill's links",
            "NO_PROXY": "127.0.0.1",
        }
        async with drill(data, options, settings) as running:
            await asyncio.to_thread(settle, running.database_url, list(running.company_keys), options.journeys, http)
            yield Acting(running, smtp, http)


def settle(database_url: str, companies: list[int], journeys: int, http: HttpServer) -> None:
    """Insert staff, customers with their consent, and webhook endpoints."""
    customers: dict[int, list[str]] = defaultdict(list)
    for number in range(journeys):
        customers[companies[number % len(companies)]].append(f"c-{number // len(companies)}")
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for place, company in enumerate(companies):
            last = company == companies[-1]
            outreach = {**ALWAYS, "campaign": SAME_DAY} if place == 1 else ALWAYS
            cursor.execute(
                "update companies set settings = %s where id = %s", [json.dumps({"outreach": outreach}), company]
            )
            people = [(role, number) for role, many in STAFF.items() for number in range(many)]
            cursor.executemany(
                "insert into staff (company_id, name, email, role) values (%s, %s, %s, %s)",
                [
                    (company, f"{role} {number}", f"{role}{number}@salon{company}.example", role)
                    for role, number in people
                    if not (last and role == "manager")
                ],
            )
            if not last:
                cursor.execute(
                    "insert into webhook_endpoints (company_id, url, secret) values (%s, %s, %s)",
                    [company, f"{http.url}/hook/{company}", new_secret()],
                )
            cursor.executemany(
                "insert into customers (company_id, external_id, name, email, phone, locale, consent)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        *(company, customer, f"Customer {customer}", f"{customer}@company{company}.example"),
                        *(f"+4930{100000 + number}", "de" if number % 2 else "en"),
                        json.dumps({"email": number % UNWILLING != 0, "sms": True}),
                    )
                    for number, customer in enumerate(customers[company], 1)
                ],
            )


def report(done: Acting, acted: Acted, findings: list[Finding], more: Sequence[str] = ()) -> None:
    console = Console(highlight=False, width=140, soft_wrap=True)
    console.print(parts_table(done.drill))
    statuses = ("succeeded", "suppressed", "cancelled", "failed", "waiting", "pending")
    table = Table("action", *statuses, "tries", box=box.SIMPLE_HEAD)
    by_name: dict[str, Counter[str]] = defaultdict(Counter)
    for row in acted.actions:
        by_name[row["action"]].update({row["status"]: 1, "tries": row["attempts"]})
    for name, numbers in sorted(by_name.items()):
        table.add_row(name, *(str(numbers[column] or "") for column in (*statuses, "tries")))
    console.print(table)
    table = Table("", "", box=box.SIMPLE_HEAD)
    refused = sum(request.answered >= 300 for request in done.http.received)
    for name, received in (("mails", acted.mails), ("texts", acted.texts), ("webhooks", acted.hooks)):
        table.add_row(f"{name} that arrived, and of them again", f"{len(received)}, {repeats(received)}")
    numbers_of = {
        "journeys": len(acted.relationships),
        "transitions": len(acted.transitions),
        "actions": len(acted.actions),
        "tasks": len(acted.tasks),
        "assignments": len(acted.assignments),
        "campaigns": len(acted.campaigns),
        "campaign workflows": sum(map(len, acted.runs.values())),
    }
    for name, number in numbers_of.items():
        table.add_row(name, str(number))
    table.add_row("webhooks and texts refused by the server", str(refused))
    table.add_row("kills", str(done.kills))
    console.print(table)
    print_findings(console, (*invariants.ALL, *acting_invariants.ALL, *more), findings)


async def main(options: Options, data: Path) -> int:
    """Run the drill; return 1 if an invariant is violated."""
    async with acting(data, options) as done:
        began = time.monotonic()
        await done.run()
        lived = time.monotonic() - began
        findings, acted = await done.check()
        report(done, acted, findings)
        print(f"{lived:.0f} s of stream, at rest and checked {time.monotonic() - began - lived:.0f} s later")
    return 1 if findings else 0
