"""The drill of `tests/chaos/acting_drill.py` in a small size, and a check that its invariants detect violations."""

import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from journey.actions import ACTIONS
from tests.chaos import acting_invariants as must
from tests.chaos.acted import Acted, Received, Row
from tests.chaos.acting_drill import acting, report
from tests.chaos.acting_invariants import violations
from tests.chaos.drill import Options

SMALL = Options(journeys=60, kills=3, seconds=8, workers=2, seed=1, actions=True)


def one(rows: list[Row], **fields: Any) -> Row:
    """The first row with these values."""
    found = [row for row in rows if all(row[name] == value for name, value in fields.items())]
    assert found, fields
    return found[0]


def again(rows: list[Any]) -> None:
    rows.append(deepcopy(rows[0]))


def change(row: Row, **fields: Any) -> None:
    row.update(fields)


def unsent(acted: Acted) -> None:
    """Remove the arrival of a webhook that is recorded as sent."""
    removed = acted.hooks[0].id
    acted.hooks = [one for one in acted.hooks if one.id != removed]


def another_subject(acted: Acted) -> None:
    mail = acted.mails[0]
    acted.mails.append(mail._replace(subject=mail.subject + "?"))


def to_another(acted: Acted) -> None:
    acted.texts[0] = acted.texts[0]._replace(to="+4930999999")


def overloaded(acted: Acted) -> None:
    """Assign all customers of sales to one person."""
    sales = one(acted.staff, role="sales")
    for row in acted.assignments:
        if (row["company_id"], row["role"]) == (sales["company_id"], "sales"):
            row["staff_id"] = sales["id"]


def forgetful(acted: Acted) -> None:
    next(pending for pending in acted.pending_actions.values() if pending).popitem()


def welcome(acted: Acted, status: str = "succeeded") -> Row:
    return one(acted.actions, action="send_welcome_email", status=status)


def running(acted: Acted) -> Row:
    return one(acted.campaigns, status="running")


# Damage that a bug would cause → the invariants that must report it
DAMAGE: dict[str, tuple[Callable[[Acted], Any], set[str]]] = {
    "an action was forgotten": (lambda acted: acted.actions.remove(welcome(acted)), {must.DUE, must.NOWHERE}),
    "an action is there twice": (lambda acted: again(acted.actions), {must.DUE}),
    "an action comes from nowhere": (lambda acted: change(welcome(acted), action_key="1:c-0:1:other"), {must.DUE}),
    "an action was never done": (
        lambda acted: change(welcome(acted), status="pending"),
        {must.SETTLED, must.PENDING, must.NOWHERE},
    ),
    "an action has failed": (lambda acted: change(welcome(acted), status="failed"), {must.SETTLED}),
    "a mail is sent without consent": (
        lambda acted: change(welcome(acted, "suppressed"), status="succeeded"),
        {must.SETTLED, must.ARRIVED, must.TRIED},
    ),
    "an attempt was not recorded": (lambda acted: acted.tries.subtract([welcome(acted)["id"]]), {must.TRIED}),
    "a task is missing": (lambda acted: acted.tasks.pop(), {must.TASKS}),
    "a task was made twice": (lambda acted: again(acted.tasks), {must.TASKS}),
    "a customer is not assigned": (lambda acted: acted.assignments.pop(), {must.ASSIGNED}),
    "a customer is assigned twice": (lambda acted: again(acted.assignments), {must.ASSIGNED}),
    "one person has all customers": (overloaded, {must.ASSIGNED}),
    "a campaign is missing": (lambda acted: acted.campaigns.pop(), {must.CAMPAIGNS, must.RUNS}),
    "two campaigns run at once": (
        lambda acted: acted.campaigns.append({**running(acted), "n": 2}),
        {must.CAMPAIGNS, must.RUNS},
    ),
    "a campaign outlives the stay": (
        lambda acted: change(one(acted.campaigns, status="cancelled"), status="running"),
        {must.CAMPAIGNS, must.RUNS},
    ),
    "a step has another status in the campaign": (
        lambda acted: change(running(acted)["scheduled_actions"][0], status="waiting"),
        {must.CAMPAIGNS},
    ),
    "a campaign's workflow ran twice": (lambda acted: next(iter(acted.runs.values())).append("RUNNING"), {must.RUNS}),
    "a campaign's workflow never began": (lambda acted: acted.runs.popitem(), {must.RUNS}),
    "a webhook never arrived": (unsent, {must.ARRIVED}),
    "a mail that nobody sent": (
        lambda acted: acted.mails.append(Received("0" * 32, "c-1@company1.example", "Hello")),
        {must.NOWHERE},
    ),
    "a text went to another number": (to_another, {must.NOWHERE}),
    "a mail was repeated with another subject": (another_subject, {must.SAME}),
    "mails were repeated too often": (lambda acted: acted.mails.extend(acted.mails[:1] * 10), {must.REPEATS}),
    "webhooks were repeated too often": (lambda acted: acted.hooks.extend(acted.hooks[:1] * 10), {must.REPEATS}),
    "a journey lost a pending action": (forgetful, {must.PENDING}),
}


async def test_stages_act_once_whatever_workers_are_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-chaos-") as folder:
        async with acting(Path(folder), SMALL) as done:
            await done.run()
            findings, acted = await done.check(patience=60)
            report(done, acted, findings)  # shown by pytest when it fails
            assert findings == []
            assert done.kills == 3
    assert {row["action"] for row in acted.actions if row["status"] == "succeeded"} >= set(ACTIONS)
    assert acted.texts
    for name, (damage, expected) in DAMAGE.items():
        damaged = deepcopy(acted)
        damage(damaged)
        assert {found.invariant for found in violations(damaged, done.kills)} >= expected, name
