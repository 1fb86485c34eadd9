"""Invariants of actions that must hold when the system is idle again, whatever was killed before.

The expected actions are derived from the transitions and compared with the rows in Postgres, with the messages that the
servers received, and with the state of the workflows.

Over 300 lines, because every invariant of actions is in this file, next to what it is derived from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from activities.channels import message_id
from activities.channels.registry import channel_spec
from activities.stage_actions import REGISTRY, Assign, CustomerMessage, Effect, StaffMessage, Task, WebhookEvent
from contracts.names import campaign_id, journey_id
from journey.actions import CAMPAIGN, QUARTERLY_REVIEW, STAGE_CHANGED, StageEntry, action_key, due_actions
from journey.actions import step_name as step
from journey.outreach import outreach_from
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from tests.chaos.acted import Acted, Received, Row
from tests.chaos.invariants import Finding
from tests.support.action_contexts import action_context

DUE = "every action that a transition brings about is on record once, and no other"
SETTLED = "what is due is done: succeeded, or suppressed for a reason that stands; nothing has failed"
TRIED = "every try of an action is on record"
TASKS = "every task action has made one task, and nothing else has"
ASSIGNED = "every relationship and role that was assigned has one assignment, and the load is even"
CAMPAIGNS = "every stay at risk has one campaign, one at a time, which runs no longer than the stay"
RUNS = "every campaign on record has one workflow, which runs as long as it does"
ARRIVED = "every mail, text and webhook that succeeded has arrived"
NOWHERE = "nothing has arrived that no action sent, nor anywhere else than it was meant for"
SAME = "what arrived again has the same id, recipient and subject as the first"
#: A killed worker repeats every message in flight: accepted by its server, and not yet recorded as sent. That may be
#: several for one kill, but each of them once.
REPEATS = "each mail, text and webhook arrived again at most once for each time a worker was killed"
PENDING = "the pending actions of each journey and campaign are those still to be done"
ALL = (DUE, SETTLED, TRIED, TASKS, ASSIGNED, CAMPAIGNS, RUNS, ARRIVED, NOWHERE, SAME, REPEATS, PENDING)

OPEN = ("pending", "waiting")


def violations(acted: Acted, kills: int) -> list[Finding]:
    """Every violation; `kills` is how often a worker was killed."""
    checks = (_due, _settled, _tried, _tasks, _assigned, _campaigns, _runs, _arrived, _pending)
    found = [finding for check in checks for finding in check(acted)]
    for name, received in (("mails", acted.mails), ("texts", acted.texts), ("webhooks", acted.hooks)):
        for message, number in Counter(one.id for one in received).items():
            if number - 1 > kills:
                found.append(Finding(REPEATS, f"{name} {message}", f"arrived {number} times, {kills} kills"))
    return sorted(found)


def repeats(received: list[Received]) -> int:
    """How many of these messages are repetitions."""
    return len(received) - len({one.id for one in received})


def effect_of(row: Row) -> Effect:
    """The effect that an action's row stands for."""
    context = action_context(customer_id=row["external_id"], stage=row["stage_key"], action=row["action"])
    return REGISTRY[context.name].effect(context)


def _is_step(row: Row) -> bool:
    """Whether a row is a campaign step, which the campaign's workflow executes."""
    return str(row["action"]).startswith("campaign_")


def _of_relationship(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["relationship_id"]].append(row)
    return found


# -- expected actions -------------------------------------------------------------------------------------------------


def _due(acted: Acted) -> Iterable[Finding]:
    moves, actions = _of_relationship(acted.transitions), _of_relationship(acted.actions)
    for number, relationship in acted.relationships.items():
        company = acted.companies[relationship["company_id"]]
        refs = _brought_about(moves[number], webhooks=bool(company["endpoints"]))
        refs += _following(actions[number], company)
        keys = [action_key(company["id"], relationship["external_id"], ref) for ref in refs]
        yield from _unlike(DUE, keys, (row["action_key"] for row in actions[number]))


def _brought_about(moves: list[Row], *, webhooks: bool) -> list[str]:
    """The `action_ref`s due after these transitions, commit by commit; no webhook without an endpoint."""
    refs, entered = [], set[str]()
    for version in sorted({move["version"] for move in moves}):
        batch = []
        for move in (move for move in moves if move["version"] == version):
            stage = move["to_stage"]
            growth = DEFAULT_RULEBOOK.by_key[stage].is_growth
            at = to_micros(move["transitioned_at"])
            batch.append(StageEntry(move["sequence"], stage, at, stage not in entered, growth))
            entered.add(stage)
        decided = max(to_micros(move["decided_at"]) for move in moves if move["version"] == version)
        due = due_actions(batch, decided, DEFAULT_RULEBOOK.actions)
        refs += [action.action_ref for action in due if webhooks or action.action != STAGE_CHANGED]
    return refs


def _following(actions: list[Row], company: Row) -> list[str]:
    """The `action_ref`s of later actions that succeeded actions have scheduled."""
    refs = []
    for row in actions:
        if row["status"] != "succeeded":
            continue
        if row["action"] == CAMPAIGN:
            refs += [f"{row['entry']}:campaign_{step.type}" for step in outreach_from(company["outreach"]).campaign]
        name, _, number = row["action"].partition(".")
        if name == QUARTERLY_REVIEW:
            refs.append(f"{row['entry']}:{step(name, int(number or 1) + 1)}")
    return refs


def _unlike(invariant: str, expected: Iterable[str], found: Iterable[str]) -> Iterable[Finding]:
    """Names that are missing or occur too often."""
    wanted, there = Counter(expected), Counter(found)
    for name in sorted({*wanted, *there}):
        if wanted[name] != there[name]:
            yield Finding(invariant, name, f"expected {wanted[name]} times, found {there[name]} times")


def _settled(acted: Acted) -> Iterable[Finding]:
    for row in acted.actions:
        allowed = _allowed(acted, row)
        if row["status"] not in allowed:
            problem = f"{row['status']} ({row['reason'] or row['last_error']}), should be {' or '.join(allowed)}"
            yield Finding(SETTLED, row["action_key"], problem)


def _allowed(acted: Acted, row: Row) -> tuple[str, ...]:
    """Statuses that an action may have when the system is idle."""
    relationship = acted.relationships[row["relationship_id"]]
    left = relationship["entry"] > row["entry"]
    later = row["due_at"] > acted.now
    effect = effect_of(row)
    if _is_step(row) and left:
        return ("cancelled",) if later else ("cancelled", "succeeded", "suppressed")
    if later:
        return ("pending",)
    if left and row["action"] in (CAMPAIGN, QUARTERLY_REVIEW):  # the customer may have left the stage before it ran
        return ("succeeded", "cancelled")
    return ("succeeded",) if _possible(acted, row, relationship, effect) else ("suppressed",)


def _possible(acted: Acted, row: Row, relationship: Row, effect: Effect) -> bool:
    """Whether there is a recipient who has consented."""
    if isinstance(effect, CustomerMessage):
        channel = channel_spec(effect.channel)
        return bool(relationship[str(channel.address_field)] and relationship["consent"].get(channel.name))
    if isinstance(effect, StaffMessage):
        return bool(_addresses(acted, row, effect))
    if isinstance(effect, WebhookEvent):
        return bool(acted.companies[row["company_id"]]["endpoints"])
    return True


def _tried(acted: Acted) -> Iterable[Finding]:
    for row in acted.actions:
        kept, counted = acted.tries[row["id"]], row["attempts"]
        if kept != counted or (row["status"] == "succeeded" and not kept):
            yield Finding(TRIED, row["action_key"], f"{row['status']} after {counted} tries, {kept} on record")


# -- rows in Postgres -------------------------------------------------------------------------------------------------


def _tasks(acted: Acted) -> Iterable[Finding]:
    makers = [
        row["action_key"]
        for row in acted.actions
        if row["status"] == "succeeded"
        and (isinstance(effect := effect_of(row), Task) or (isinstance(effect, Assign) and not _assignee(row)))
    ]
    yield from _unlike(TASKS, makers, (str(row["action_key"]) for row in acted.tasks))


def _assignee(row: Row) -> int | None:
    assigned: int | None = row["detail"].get("assigned_to")
    return assigned


def _assigned(acted: Acted) -> Iterable[Finding]:
    expected = []
    for row in acted.actions:
        effect = effect_of(row)
        if isinstance(effect, Assign) and row["status"] == "succeeded" and _assignee(row):
            expected.append(f"{row['company_id']}:{row['external_id']}:{effect.role} to {_assignee(row)}")
    found = (f"{r['company_id']}:{r['external_id']}:{r['role']} to {r['staff_id']}" for r in acted.assignments)
    yield from _unlike(ASSIGNED, expected, found)
    load = Counter(row["staff_id"] for row in acted.assignments)
    for company, role in sorted({(person["company_id"], person["role"]) for person in acted.staff}):
        own = [load[p["id"]] for p in acted.staff if (p["company_id"], p["role"]) == (company, role) and p["is_active"]]
        if own and max(own) - min(own) > 1:
            yield Finding(ASSIGNED, f"company {company}, {role}", f"their customers are {own}")


def _campaigns(acted: Acted) -> Iterable[Finding]:
    started = [row for row in acted.actions if row["action"] == CAMPAIGN and row["status"] == "succeeded"]
    expected = (f"{row['relationship_id']}, entry {row['entry']}, n {row['detail'].get('campaign')}" for row in started)
    found = (f"{row['relationship_id']}, entry {row['entry']}, n {row['n']}" for row in acted.campaigns)
    yield from _unlike(CAMPAIGNS, expected, found)
    steps = {(row["relationship_id"], row["entry"], row["action"]): row["status"] for row in acted.actions}
    for number, campaigns in _of_relationship(acted.campaigns).items():
        if sum(row["status"] == "running" for row in campaigns) > 1:
            yield Finding(CAMPAIGNS, str(number), "two are running")
        if [row["n"] for row in campaigns] != list(range(1, len(campaigns) + 1)):
            yield Finding(CAMPAIGNS, str(number), f"their numbers are {[row['n'] for row in campaigns]}")
        for row in campaigns:
            for problem in _wrong(row, acted.relationships[number], steps):
                yield Finding(CAMPAIGNS, f"{number}, n {row['n']}", problem)


def _wrong(row: Row, relationship: Row, steps: Mapping[tuple[int, int, str], str]) -> Iterable[str]:
    planned = {plan["action"]: plan["status"] for plan in row["scheduled_actions"]}
    actual = {action: steps.get((row["relationship_id"], row["entry"], action)) for action in planned}
    if planned != actual:
        yield f"its steps are {planned}, their actions {actual}"
    left, to_do = relationship["entry"] > row["entry"], any(status in OPEN for status in planned.values())
    allowed = ("cancelled", "completed") if left else ("running",) if to_do else ("completed",)
    if row["status"] not in allowed or (left and to_do):
        yield f"{row['status']}, its steps {planned}, and the journey is at entry {relationship['entry']}"


# -- Temporal and the message servers ---------------------------------------------------------------------------------


def _runs(acted: Acted) -> Iterable[Finding]:
    expected = []
    for row in acted.campaigns:
        status = "RUNNING" if row["status"] == "running" else "COMPLETED"
        expected.append(f"{campaign_id(row['company_id'], row['external_id'], row['n'])} {status}")
    found = (f"{workflow_id} {status}" for workflow_id, statuses in acted.runs.items() for status in statuses)
    yield from _unlike(RUNS, expected, found)


def _arrived(acted: Acted) -> Iterable[Finding]:
    """Compare each message with its action."""
    sent: dict[
        str, tuple[Row, set[str], str]
    ] = {}  # by id: the action, its possible recipients, the beginning of its subject
    for row in acted.actions:
        effect, key = effect_of(row), message_id(row["action_key"])
        if isinstance(effect, WebhookEvent):
            number = f" {row['entry']}" if row["action"] == STAGE_CHANGED else ""
            for endpoint in acted.companies[row["company_id"]]["endpoints"]:
                sent[f"{key}-{endpoint}"] = (
                    row,
                    {f"/hook/{row['company_id']}"},
                    f"{effect.type} {row['external_id']}{number}",
                )
        elif isinstance(effect, CustomerMessage | StaffMessage):
            sent[key] = (row, _addresses(acted, row, effect), "")
    came: dict[str, list[Received]] = defaultdict(list)
    for one in [*acted.mails, *acted.texts, *acted.hooks]:
        came[one.id].append(one)
    for name, (row, _, _) in sent.items():
        if row["status"] == "succeeded" and name not in came:
            yield Finding(ARRIVED, row["action_key"], "it succeeded, and nothing has arrived")
    for name, arrivals in came.items():
        if len(set(arrivals)) > 1:
            yield Finding(SAME, name, f"{len(arrivals)} arrivals, {len(set(arrivals))} of them unlike")
        action = sent.get(name)
        # a step in progress when the customer came back was sent, although it is cancelled
        if action is None or not (action[0]["status"] == "succeeded" or _overtaken(action[0])):
            yield Finding(NOWHERE, name, f"its action is {action and (action[0]['action_key'], action[0]['status'])}")
        elif any(one.to not in action[1] or not one.subject.startswith(action[2]) for one in arrivals):
            yield Finding(NOWHERE, action[0]["action_key"], "it went elsewhere, or is about something else")


def _overtaken(row: Row) -> bool:
    return _is_step(row) and row["status"] == "cancelled"


def _addresses(acted: Acted, row: Row, effect: CustomerMessage | StaffMessage) -> set[str]:
    relationship = acted.relationships[row["relationship_id"]]
    if isinstance(effect, StaffMessage):
        company = (row["company_id"], effect.role)
        return {p["email"] for p in acted.staff if (p["company_id"], p["role"]) == company and p["email"]}
    return {str(relationship[str(channel_spec(effect.channel).address_field)])}


def _pending(acted: Acted) -> Iterable[Finding]:
    to_come: dict[str, Counter[str]] = defaultdict(Counter)
    names = {(row["relationship_id"], row["entry"]): row["n"] for row in acted.campaigns}
    for row in acted.actions:
        if row["status"] not in OPEN:
            continue
        company, customer = row["company_id"], row["external_id"]
        n = names.get((row["relationship_id"], row["entry"]), 0)
        executor = campaign_id(company, customer, n) if _is_step(row) else journey_id(company, customer)
        to_come[executor][row["action"]] += 1
    for name in sorted({*to_come, *acted.pending_actions}):
        expected, shown = to_come[name], acted.pending_actions.get(name)
        if expected != shown:
            yield Finding(PENDING, name, f"should be {dict(expected)}, is {shown and dict(shown)}")
