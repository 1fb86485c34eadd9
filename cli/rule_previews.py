"""`journey stages preview`: what changed rules would do, as tables, and whether that is too much."""

import asyncio
import time
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from temporalio.client import Client

import connection
from cli.database import ACTOR, pool_for
from cli.output import complaints, console, print_json, print_rows, progress
from cli.rule_changes import POLL_INTERVAL, SILENCE
from cli.rules_file import read_rules
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from journey.presets import presets
from journey.rulebook_problems import rulebook_problems
from settings import Settings


async def preview(
    settings: Settings,
    company: int,
    file: str | None,
    version: int | None,
    preset: str | None,
    *,
    since: str | None,
    fail_over: str | None,
    as_json: bool,
) -> int:
    """Preview changed rules and print the result; deletes the preview if it is interrupted.

    Returns:
        0; 1 if more than the allowed share of the customers would be moved, or the preview failed.

    Raises:
        ValueError: The rules or an option are invalid.
        RuntimeError: No worker answers, or other previews are running.
    """
    from api.rule_previews import NoSuchVersion, Proposal, TooManyPreviews, begin_preview, delete_preview, parse_since

    if sum(source is not None for source in (file, version, preset)) != 1:
        raise ValueError("give one of a file, --version and --preset")
    allowed = None if fail_over is None else _percent(fail_over)
    try:
        begin = parse_since(since)
    except ValueError as error:
        raise ValueError(f"--since: {since!r} is not {error}") from None
    if preset is not None and preset not in (keys := [each.key for each in presets()]):
        raise ValueError(f"there are no ready-made rules {preset!r}; there are: {', '.join(keys)}")
    proposal = Proposal(version=version, preset=preset)
    if file is not None:
        rules = read_rules(file)
        if problems := rulebook_problems(rules.get("stages"), rules.get("scoring")):
            raise ValueError("\n".join([f"{file}:", *(f"{one.place}: {one.problem}" for one in problems)]))
        proposal = Proposal(rules["stages"], rules.get("scoring"))
    async with pool_for(settings, company) as pool:
        client = await connection.connect()
        # In a task of its own: interrupted halfway, it would leave a preview whose number nobody has.
        beginning = asyncio.create_task(begin_preview(client, pool, RulebookCache(), company, proposal, begin, ACTOR))
        try:
            number = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            with suppress(Exception):
                await delete_preview(client, pool, company, await beginning)
            raise
        except TooManyPreviews as error:
            raise RuntimeError(f"previews {', '.join(map(str, error.running))} are running; try again later") from None
        except NoSuchVersion as error:
            raise ValueError(str(error)) from None
        try:
            found = await _follow(client, pool, company, number)
        except BaseException:
            # interrupted: nobody waits for the result
            with suppress(Exception):
                await delete_preview(client, pool, company, number)
            raise
    if found["status"] == "failed":
        raise RuntimeError(f"the preview failed: {found['reason']}")
    print_json(found) if as_json else _print(found)
    return _verdict(found, allowed)


async def _follow(client: Client, pool: Pool, company: int, number: int) -> dict[str, Any]:
    """Wait for a preview and return it. Raises RuntimeError if no worker computes it, or it was deleted."""
    from api.rule_previews import described, find_preview

    moved_on, looked = time.monotonic(), -1
    with progress() as bar:
        task = bar.add_task("journeys previewed", total=None)
        while True:
            found = await find_preview(client, pool, company, number)
            if found is None:
                raise RuntimeError("the preview was deleted")
            if found.status != "running":
                return described(found)
            if found.looked != looked:
                moved_on, looked = time.monotonic(), found.looked
            elif time.monotonic() - moved_on > SILENCE:
                raise RuntimeError("no worker answers; is one running?")
            bar.update(task, completed=found.looked, total=found.total)
            await asyncio.sleep(POLL_INTERVAL)


def moved(found: dict[str, Any]) -> int:
    """Return how many customers a complete preview moves."""
    return sum(move["count"] for move in found["moves"])


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        percent = Decimal(-1)
    if not 0 <= percent <= 100:
        raise ValueError(f"--fail-over: {text!r} is not a percentage from 0% to 100%, such as 5%")
    return percent


def _verdict(found: dict[str, Any], allowed: Decimal | None) -> int:
    if allowed is None:
        return 0
    count, total = moved(found), found["customers"]
    share = Decimal(100 * count) / max(total, 1)
    if share <= allowed:
        return 0
    complaints.print(
        f"{count:,} of {total:,} customers ({share:.1f} %) would be moved, more than the {allowed} % allowed.",
        markup=False,
    )
    return 1


def _print(found: dict[str, Any]) -> None:
    total = found["customers"]
    console.print(f"As of {found['as_of'][:16].replace('T', ' ')} UTC, {moved(found):,} of {total:,} customers move.")
    print_rows(found["moves"], "No customer is moved.")
    for gone in found["gone"]:
        whereto = ", ".join(f"{each['count']:,} to {each['stage']}" for each in gone["to"]) or "nobody moves"
        held = f"; {gone['held']:,} are held there" if gone["held"] else ""
        console.print(f"The stage {gone['stage']} is gone: {gone['customers']:,} customers, {whereto}{held}.")
    if found["actions"]:
        console.print(f"With --run-actions, {found['messages']:,} messages would be sent to customers:")
        print_rows([{"action": name, "count": count} for name, count in found["actions"].items()], "")
    _print_past(found["past"], found["since"])
    console.print(f"Preview {found['id']} is kept for a day.")


def _print_past(past: dict[str, Any], since: str | None) -> None:
    """Print the transitions of the past under both rules, side by side."""
    counts: dict[tuple[str | None, str], dict[str, int]] = {}
    for name in ("old", "new"):
        for move in past[name]:
            counts.setdefault((move["from"], move["to"]), {"old": 0, "new": 0})[name] = move["count"]
    rows = [
        {
            "from": left or "",
            "to": entered,
            "old rules": n["old"],
            "new rules": n["new"],
            "difference": n["new"] - n["old"],
        }
        for (left, entered), n in counts.items()
    ]
    campaigns = past["campaigns"]
    when = "In the whole past" if since is None else f"Since {since[:16].replace('T', ' ')} UTC"
    console.print(
        f"{when}, {past['customers_different']:,} customers would have been in other stages or at other times;"
        f" retention campaigns: {campaigns['old']:,} under the old rules, {campaigns['new']:,} under the new ones."
    )
    print_rows(rows, "")
