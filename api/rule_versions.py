"""What the routes of rules share: versions as they are shown, ETags, and the progress of roll-outs."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Path
from temporalio.client import Client

from api.dependencies import Gateway
from api.problems import not_found, problem, shown
from contracts.maintenance import RolloutOrder, RolloutStart
from contracts.rollouts import rollout_progress, start_rollout
from db.connections import Pool, tenant_transaction
from db.journeys import rulebook_versions
from db.journeys.rulebook_versions import Change, RulebookVersion
from db.journeys.rulebooks import RulebookCache
from journey.rulebook_problems import rulebook_problems, value_at
from journey.rules import InvalidRule
from journey.stages import Rulebook
from journey.time import to_micros, utc_text

RolloutId = Annotated[int, Path(ge=1, lt=1 << 31, description="the version that is rolled out", examples=[2])]
VersionNumber = Annotated[int, Path(ge=1, lt=1 << 31, description="number of a version", examples=[1])]
VERSION_EXAMPLE = {
    "version": 2,
    "effective_at": "2026-03-02T10:15:00Z",
    "actor": "key/3",
    "reason": "Fewer visits make a regular customer",
    "run_actions": False,
    "restores": None,
    "is_current": True,
}
ROLLOUT_EXAMPLE = {
    "rollout_id": "2",
    "version": 2,
    "status": "running",
    "total": 4339,
    "looked": 1200,
    "changed": 80,
    "unchanged": 1120,
    "unanswered": 0,
    "left": 3139,
    "moved": 64,
    "moves": [{"from": "lead", "to": "customer", "count": 64}],
    "preview_id": 7,
    "report": None,
}
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,10})"?')


def etag(version: int) -> str:
    return f'"{version}"'


def version_of_etag(header: str) -> int | None:
    """Return the version that an `If-Match` names; None for anything that is no ETag of rules."""
    match = _ETAG.fullmatch(header.strip())
    return int(match[1]) if match else None


def refuse_mistakes(body: dict[str, Any]) -> None:
    """Check the `stages` and the `scoring` of a body. Raises the problem 422 with every mistake and its place."""
    found = rulebook_problems(body.get("stages"), body.get("scoring"))
    errors = [{"field": e.place, "value": shown(value_at(body, e.place)), "problem": e.problem} for e in found]
    if errors:
        raise problem("invalid-request", f"{errors[0]['field']}: {errors[0]['problem']}", errors=errors)


def described(versions: list[RulebookVersion], current: Rulebook) -> list[dict[str, Any]]:
    """Return the versions as they are shown. The current one is not on record before the first change."""
    shown = [_described(version, is_current=version.version == current.version) for version in versions]
    if not any(version["is_current"] for version in shown):
        began = {"effective_at": utc_text(current.changed_at), "actor": "system", "reason": None, "restores": None}
        shown.insert(0, {**current.as_json(), **began, "run_actions": False, "is_current": True})
    return shown


def _described(version: RulebookVersion, *, is_current: bool) -> dict[str, Any]:
    try:
        content = version.rulebook().as_json()
    except InvalidRule:  # code of today accepts less than that of the version's time
        content = {"version": version.version, "stages": version.stages, "scoring": version.scoring}
    return {
        **content,
        "effective_at": utc_text(to_micros(version.effective_at)),
        "actor": version.actor,
        "reason": version.reason,
        "run_actions": version.runs_actions,
        "restores": version.restores,
        "is_current": is_current,
    }


async def change_rules(
    client: Client,
    pool: Pool,
    rulebooks: RulebookCache,
    company_id: int,
    change: Change,
    expected: int | None,
    *,
    rate: float,
) -> tuple[int, bool]:
    """Make a change the newest version, and begin its roll-out.

    Args:
        expected: As in `rulebook_versions.put`.
        rate: Journeys per second that the roll-out notifies.

    Returns:
        The version in force, and whether a roll-out has begun: not if the change changes nothing.

    Raises:
        VersionConflict: As in `rulebook_versions.put`.
        OtherPreview: As there.
    """
    began = False

    async def begin(version: int, preview_id: int | None) -> None:
        nonlocal began
        order: RolloutOrder = "deadline" if preview_id is None else "preview"
        await start_rollout(client, RolloutStart(company_id, version, rate=rate, order=order, preview_id=preview_id))
        began = True

    async with tenant_transaction(pool, company_id) as connection:
        version = await rulebook_versions.put(connection, rulebooks, company_id, change, expected, before_commit=begin)
    return version, began


async def rollout(gateway: Gateway, company_id: int, version: int) -> dict[str, Any]:
    """Return the progress of a roll-out. Raises the problem 404 where there was none, or it is no longer on record."""
    found = await rollout_of(gateway.temporal.client, gateway.pool, company_id, version)
    if found is None:
        raise not_found(f"there is no roll-out {version}, or it is no longer on record")
    return found


async def rollout_of(client: Client, pool: Pool, company_id: int, version: int) -> dict[str, Any] | None:
    """Return the progress of a roll-out as it is shown; None where there was none, or it is no longer on record."""
    found = await rollout_progress(client, company_id, version)
    if found is None:
        return None
    status, numbers = found  # without numbers while no worker answers
    async with tenant_transaction(pool, company_id) as connection:
        moves = await rulebook_versions.moves(connection, company_id, version)
    return {
        "rollout_id": str(version),
        "version": version,
        "status": status,
        **{name: numbers.get(name) for name in ("total", "looked", "changed", "unanswered")},
        "unchanged": numbers["looked"] - numbers["changed"] if numbers else None,
        "left": max(numbers["total"] - numbers["looked"], 0) if numbers else None,
        "moved": sum(move["count"] for move in moves),
        "moves": moves,
        "preview_id": numbers.get("preview_id"),
        "report": numbers.get("report"),
    }
