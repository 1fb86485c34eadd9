"""What the commands share that change a company's rules: making the change, and following its roll-out."""

import asyncio
import time
from typing import Any

from temporalio.client import Client

import connection
from cli.output import complaints, console, print_json, print_not_found, print_rows, progress
from db.connections import Pool
from db.journeys.rulebook_versions import Change, OtherPreview, VersionConflict
from db.journeys.rulebooks import RulebookCache
from settings import Settings

POLL_INTERVAL = 0.5  # seconds between two looks at a roll-out
SILENCE = 60.0  # seconds without an answer of a worker after which --wait gives up


async def make_change(
    settings: Settings, pool: Pool, company: int, change: Change, expect: int | None, *, wait: bool, as_json: bool
) -> int:
    """Make a change the newest version and begin its roll-out, if it changes anything.

    Args:
        expect: The version that has to be in force; None: whichever is.
        wait: Follow the roll-out to its end.

    Returns:
        0; 1 if another version is in force, or the roll-out failed.

    Raises:
        ValueError: The change names the preview of another change.
    """
    from api.rule_versions import change_rules  # the framework beneath it takes a moment

    client, rate = await connection.connect(), settings.rollout_rate
    try:
        version, began = await change_rules(client, pool, RulebookCache(), company, change, expect, rate=rate)
    except VersionConflict as error:
        complaints.print(
            f"Nothing was changed: version {error.current} is in force, and the change was made from version {expect}."
        )
        return 1
    except OtherPreview as error:
        raise ValueError(f"preview {change.preview_id}: {error}") from None
    if not began:
        print_json({"version": version, "rollout_id": None}) if as_json else console.print(
            f"These rules are in force already, as version {version}."
        )
        return 0
    if not as_json:
        console.print(f"Version {version} is in force.")
    if wait:
        return await report_rollout(client, pool, company, version, wait=True, as_json=as_json)
    if as_json:
        print_json({"version": version, "rollout_id": str(version)})
    else:
        console.print(f"Follow its roll-out with: journey stages rollout {version} --company {company}")
    return 0


async def report_rollout(client: Client, pool: Pool, company: int, version: int, *, wait: bool, as_json: bool) -> int:
    """Print how far a roll-out is. Returns 1 if there is none, or it failed.

    Raises:
        RuntimeError: Waiting for it, and no worker answers.
    """
    from api.rule_versions import rollout_of

    found = await rollout_of(client, pool, company, version)
    if found is None:
        return print_not_found(f"There is no roll-out of version {version}, or it is no longer on record.")
    if wait:
        answered = time.monotonic()
        with progress() as bar:
            task = bar.add_task("journeys notified", total=None)
            while found["status"] in ("running", "paused"):
                if found["total"] is not None:
                    answered = time.monotonic()
                    bar.update(task, completed=found["looked"], total=max(found["total"], found["looked"]))
                elif time.monotonic() - answered > SILENCE:
                    raise RuntimeError("no worker answers; the roll-out continues as soon as one runs")
                await asyncio.sleep(POLL_INTERVAL)
                found = await rollout_of(client, pool, company, version) or found
    if as_json:
        print_json(found)
    else:
        moves = found["moves"]
        numbers = ("status", "total", "looked", "moved", "unchanged", "unanswered", "left")
        print_rows([{name: found[name] for name in numbers}], "")
        print_rows(moves, "No journey has been moved.")
        if report := found["report"]:
            _print_report(report)
    return 1 if found["status"] == "failed" else 0


def _print_report(report: dict[str, Any]) -> None:
    """Print what a roll-out did, compared with its preview."""
    console.print(
        f"Of {report['planned']:,} customers that the preview moves, {report['as_planned']:,} were moved as planned."
    )
    reasons = {
        "event": "an event after the preview",
        "time": "a deadline between the preview and the change",
        "set": "somebody set the stage",
        "unanswered": "not committed yet",
        "gone": "merged or erased",
        "unknown": "unknown: please report this as a fault",
    }
    print_rows(
        [{"differing": n, "because": reasons.get(why, why)} for why, n in report["differing"].items()], "None differs."
    )
