"""While an action is retried, ``due_at`` is the time of its next attempt, which the dashboard shows."""

from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client

from db.connections import Pool
from settings import Settings
from tests.support.outside import SmtpServer
from tests.support.workflow_acting import SECRET, actions, attempts, known, statuses
from tests.support.workflow_life import Life
from worker import build_worker


async def test_due_at_moves_to_the_next_try(life: Life, client: Client, pool: Pool) -> None:
    known(life)
    with SmtpServer() as smtp:
        smtp.refuse()
        async with build_worker(client, pool, Settings(link_secret=SECRET, smtp_url=smtp.url)):
            await life.lived(life.call())
            moved = [await next_try_after(life, count) for count in (2, 3, 4)]
            smtp.listen()
            await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded", 30)
    assert moved == sorted(set(moved))
    last = attempts_at(life)
    assert last[-1] >= moved[-1] - timedelta(milliseconds=500)  # it was not tried before the announced time
    assert len(smtp.received) == 1


async def next_try_after(life: Life, count: int) -> datetime:
    """Return ``due_at`` after that many attempts: later than the last of them, by the pause, which doubles."""
    await life.until(lambda: len(attempts(life, "send_welcome_email")) >= count, 30)
    due_at: datetime = actions(life)["send_welcome_email"]["due_at"]
    pause = due_at - attempts_at(life)[count - 1]
    assert timedelta(seconds=1) < pause < timedelta(seconds=20), pause
    return due_at


def attempts_at(life: Life) -> list[datetime]:
    rows: list[dict[str, Any]] = life.rows(
        "select t.at from action_attempts t join journey_actions j on j.id = t.action_id"
        " where t.company_id = %(company)s and j.action = 'send_welcome_email' order by t.id"
    )
    return [row["at"] for row in rows]
