"""What routes and commands share about previews of changed rules: which rules, beginning one, and showing it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from temporalio.client import Client
from temporalio.service import RPCError

from api.dependencies import Gateway
from api.problems import not_found
from contracts.preview_requests import PreviewStart
from contracts.rule_previews import cancel_preview, is_preview_running, start_preview
from db.connections import Pool, tenant_transaction
from db.journeys import rule_previews, rulebook_versions
from db.journeys.rule_previews import MAX_RUNNING, RulePreview
from db.journeys.rulebooks import RulebookCache
from db.people import audit_log
from journey.presets import presets
from journey.rulebook_problems import CHANGE_FIELDS
from journey.rules_preview import rulebook_after, stages_after
from journey.stages import rulebook_from
from journey.time import Micros, to_micros, utc_text

PreviewId = Annotated[int, Path(ge=1, lt=1 << 63, description="the `id` of a preview", examples=[7])]
#: The fields of a preview: those of the change, so that a change can be sent as it is, or what stands for its stages.
PREVIEW_FIELDS = (*CHANGE_FIELDS, "preset", "since")
ENDED = "the workflow that computed it has ended"
EXAMPLE = {
    "id": 7,
    "status": "complete",
    "progress": 1.0,
    "as_of": "2026-03-02T10:15:00Z",
    "since": None,
    "base_version": 1,
    "total": 4339,
    "looked": 4339,
    "reason": None,
    "customers": 4339,
    "stages": [{"stage": "customer", "before": 900, "after": 836}, {"stage": "regular", "before": 100, "after": 164}],
    "moves": [{"from": "customer", "to": "regular", "count": 64}],
    "gone": [],
    "actions": {"assign_dedicated_manager": 64, "create_quarterly_review": 64, "send_vip_benefits_email": 64},
    "campaigns": 0,
    "messages": 64,
    "past": {
        "old": [{"from": None, "to": "prospect", "count": 4339}],
        "new": [{"from": None, "to": "prospect", "count": 4339}],
        "days_in_stage": {"old": {"prospect": 812.5}, "new": {"prospect": 812.5}},
        "campaigns": {"old": 120, "new": 120},
        "customers_different": 70,
    },
}


class TooManyPreviews(Exception):
    """So many previews of the company are running already; their ids."""

    def __init__(self, running: list[int]) -> None:
        super().__init__(f"{len(running)} previews are running already")
        self.running = running


class NoSuchVersion(LookupError):
    """There is no such version of the rules on record."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changed rules: stages, else an earlier version, else ready-made ones. ``scoring`` of None: unchanged."""

    stages: list[dict[str, Any]] | None = None
    scoring: dict[str, Any] | None = None
    version: int | None = None
    preset: str | None = None


def preset_stages(name: object) -> list[dict[str, Any]] | None:
    """Return the stages of a ready-made rulebook; None if there is none with this name."""
    found = [preset.stages for preset in presets() if preset.key == name]
    return rulebook_from(found[0]).as_json()["stages"] if found else None


async def begin_preview(
    client: Client,
    pool: Pool,
    rulebooks: RulebookCache,
    company_id: int,
    proposal: Proposal,
    since: datetime | None,
    actor: str,
) -> int:
    """Begin a preview of valid rules, and return its id. If Temporal does not answer, nothing is recorded.

    Raises:
        TooManyPreviews: Others have to end, or to be deleted, before.
        NoSuchVersion: The version to restore is not on record.
        RPCError: Temporal does not answer.
    """
    async with tenant_transaction(pool, company_id) as connection:
        running = await rule_previews.running(connection, company_id)
        if len(running) >= MAX_RUNNING:
            running = [number for number in running if await is_preview_running(client, company_id, number)]
        if len(running) >= MAX_RUNNING:
            raise TooManyPreviews(running)
        current = await rulebooks.load(connection, company_id)
        stages, scoring = proposal.stages, proposal.scoring
        if proposal.version is not None:
            earlier = await rulebook_versions.find(connection, company_id, proposal.version)
            if earlier is None and proposal.version != current.version:
                raise NoSuchVersion(f"there is no version {proposal.version} on record")
            book = current if earlier is None else earlier.rulebook()
            stages, scoring = book.as_json()["stages"], book.as_json()["scoring"]
        elif proposal.preset is not None:
            stages = preset_stages(proposal.preset)
        assert stages is not None
        scoring = current.as_json()["scoring"] if scoring is None else scoring
        now = Micros(time.time_ns() // 1000)
        new = rulebook_after(current, stages_after(current, stages), scoring, now)
        preview_id, _ = await rule_previews.create(connection, company_id, current, new, since, actor)
        details = {"base_version": current.version, "restores": proposal.version, "preset": proposal.preset}
        await audit_log.record(connection, company_id, actor, "stages.preview", f"preview/{preview_id}", details)
        await start_preview(client, PreviewStart(company_id, preview_id))
    return preview_id


async def find_preview(client: Client | None, pool: Pool, company_id: int, preview_id: int) -> RulePreview | None:
    """Return a preview that has not expired; one whose workflow has ended without a result is marked as failed.

    Args:
        client: None: whether the workflow runs is unknown.
    """
    async with tenant_transaction(pool, company_id) as connection:
        found = await rule_previews.find(connection, company_id, preview_id)
        if found is None or found.status != "running" or client is None:
            return found
        try:
            if await is_preview_running(client, company_id, preview_id):
                return found
        except RPCError:
            return found
        found = await rule_previews.find(connection, company_id, preview_id)  # it may have finished meanwhile
        if found is not None and found.status == "running":
            await rule_previews.finish(connection, company_id, preview_id, None, ENDED)
            return await rule_previews.find(connection, company_id, preview_id)
    return found


async def recorded_preview(gateway: Gateway, company_id: int, preview_id: int) -> RulePreview:
    """Return a preview for a route. Raises the problem 404 without such a preview."""
    found = await find_preview(gateway.temporal.connected, gateway.pool, company_id, preview_id)
    if found is None:
        raise no_preview(preview_id)
    return found


def no_preview(preview_id: int) -> Exception:
    return not_found(f"there is no preview {preview_id}, or it is no longer on record")


def described(preview: RulePreview) -> dict[str, Any]:
    """Return a preview as the API shows it."""
    is_complete = preview.status == "complete"
    share = preview.looked / preview.total if preview.total else 0.0
    return {
        "id": preview.id,
        "status": preview.status,
        "progress": 1.0 if is_complete else round(min(share, 1.0), 4),
        "as_of": _text(preview.as_of),
        "since": None if preview.since is None else _text(preview.since),
        "base_version": preview.base_version,
        "total": preview.total,
        "looked": preview.looked,
        "reason": preview.reason,
        **(preview.result or {}),
    }


async def delete_preview(client: Client | None, pool: Pool, company_id: int, preview_id: int) -> bool:
    """Cancel a preview and delete what it has found; return whether there was one.

    The workflow notices by itself that the preview is gone if Temporal does not answer now.
    """
    is_deleted = await rule_previews.delete(pool, company_id, preview_id)
    if is_deleted and client is not None:
        with suppress(RPCError):
            await cancel_preview(client, company_id, preview_id)
    return is_deleted


def parse_since(text: object) -> datetime | None:
    """Return the instant of `since`. Raises ValueError, which says what is allowed."""
    if text is None:
        return None
    allowed = "a time with a UTC offset that is not in the future, such as 2026-01-01T00:00:00Z"
    if not isinstance(text, str):
        raise ValueError(allowed)
    try:
        since = datetime.fromisoformat(text).astimezone(UTC) if len(text) > len("2026-01-01") else None
    except (ValueError, OverflowError):
        raise ValueError(allowed) from None
    if since is None or datetime.fromisoformat(text).tzinfo is None or since > datetime.now(UTC):
        raise ValueError(allowed)
    return since


def _text(instant: datetime) -> str:
    return utc_text(to_micros(instant))
