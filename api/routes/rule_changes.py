"""Change the company's stages, rules and scoring: new versions, and their roll-outs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Response

from api.dependencies import CredentialDep, Gateway, GatewayDep
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.rule_versions import (
    ROLLOUT_EXAMPLE,
    RolloutId,
    VersionNumber,
    change_rules,
    etag,
    refuse_mistakes,
    rollout,
    version_of_etag,
)
from api.schemas.stages import Rollout, RuleChange
from api.security.route_classes import scoped_route
from contracts import names
from contracts.rollouts import signal_rollout
from db.connections import tenant_transaction
from db.journeys import rulebook_versions
from db.journeys.rulebook_versions import Change, OtherPreview, VersionConflict
from db.people.api_keys import ADMIN, Credential
from journey.rulebook_problems import CHANGE_FIELDS, REASON, is_reason
from journey.stages import DEFAULT_RULEBOOK

router = APIRouter(tags=["stages"], route_class=scoped_route(ADMIN))

_CHANGE_EXAMPLE = {**DEFAULT_RULEBOOK.as_json(), "reason": "Fewer visits make a regular customer", "run_actions": False}
_ANSWER = json_answer(
    RuleChange, "The new version is in force; its roll-out has begun.", {"version": 2, "rollout_id": "2"}
)
_REFUSALS = problems("too-large", "unsupported-media-type", "changed-meanwhile", "if-match-required", "not-found")

IfMatch = Annotated[
    str | None,
    Header(description="the `ETag` of `GET /v1/stages` that the change was made from", examples=['"1"']),
]


@router.put(
    "/v1/stages",
    summary="Replace stages, rules and scoring",
    status_code=202,
    response_model=None,
    responses={202: _ANSWER, **_REFUSALS},
)
async def put_stages(
    body: Annotated[
        dict[str, Any],
        Body(
            description="what `GET /v1/stages` answers, with your changes. Optional: `scoring` (left out: unchanged),"
            " `reason`; `run_actions`: whether the moves that the change causes run the actions of their stages; and"
            " `preview_id`: its preview, by default the newest complete one of the same change",
            examples=[_CHANGE_EXAMPLE],
        ),
    ],
    gateway: GatewayDep,
    credential: CredentialDep,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """The new version counts from now on for all journeys. The roll-out notifies those that it changes.

    A stage that is left out stays on record as an inactive one; its customers move to the highest remaining stage that
    they have ever reached.
    """
    about = _about(body, CHANGE_FIELDS)
    refuse_mistakes(body)
    change = Change(body["stages"], body.get("scoring"), by_key(credential), **about)
    return await _put(gateway, credential, change, _expected(if_match), response)


@router.post(
    "/v1/stages/versions/{version}/restore",
    summary="Make an earlier version of the rules the newest",
    status_code=202,
    response_model=None,
    responses={202: _ANSWER, **_REFUSALS},
)
async def restore_version(
    version: VersionNumber,
    gateway: GatewayDep,
    credential: CredentialDep,
    response: Response,
    if_match: IfMatch = None,
    body: Annotated[
        dict[str, Any] | None,
        Body(description="optional: `reason`, `run_actions`, `preview_id`", examples=[{"reason": "A mistake"}]),
    ] = None,
) -> dict[str, Any]:
    """A change like any other: it becomes a new version with the stages and the scoring of the earlier one."""
    about = _about(body or {}, ("reason", "run_actions", "preview_id"))
    expected = _expected(if_match)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        earlier = await rulebook_versions.find(connection, credential.company_id, version)
    if earlier is None:
        raise not_found(f"there is no version {version} on record")
    change = earlier.restored(by_key(credential), **about)
    return await _put(gateway, credential, change, expected, response)


@router.post(
    "/v1/stages/rollouts/{rollout_id}/pause",
    summary="Pause a roll-out",
    response_model=None,
    responses={
        200: json_answer(Rollout, "The roll-out.", {**ROLLOUT_EXAMPLE, "status": "paused"}),
        **problems("not-found"),
    },
)
async def pause_rollout(rollout_id: RolloutId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """The version stays in force: a journey with a new event goes by it all the same."""
    return await _signal(gateway, credential, rollout_id, names.PAUSE_SIGNAL)


@router.post(
    "/v1/stages/rollouts/{rollout_id}/continue",
    summary="Continue a roll-out",
    response_model=None,
    responses={200: json_answer(Rollout, "The roll-out.", ROLLOUT_EXAMPLE), **problems("not-found")},
)
async def continue_rollout(rollout_id: RolloutId, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    return await _signal(gateway, credential, rollout_id, names.CONTINUE_SIGNAL)


async def _put(
    gateway: Gateway, credential: Credential, change: Change, expected: int, response: Response
) -> dict[str, Any]:
    client, pool, rate = gateway.temporal.client, gateway.pool, gateway.rollout_rate
    try:
        version, began = await change_rules(
            client, pool, gateway.rulebooks, credential.company_id, change, expected, rate=rate
        )
    except VersionConflict as error:
        detail = f"version {error.current} is in force, and the change was made from version {expected}"
        raise problem("changed-meanwhile", detail, headers={"ETag": etag(error.current)}) from None
    except OtherPreview as error:
        raise invalid("preview_id", change.preview_id, str(error)) from None
    response.headers["ETag"] = etag(version)
    return {"version": version, "rollout_id": str(version) if began else None}


async def _signal(gateway: Gateway, credential: Credential, version: int, signal: str) -> dict[str, Any]:
    if not await signal_rollout(gateway.temporal.client, credential.company_id, version, signal):
        raise not_found(f"no roll-out {version} is running")
    return await rollout(gateway, credential.company_id, version)


def _expected(if_match: str | None) -> int:
    if if_match is None:
        raise problem("if-match-required")
    version = version_of_etag(if_match)
    if version is None:
        raise invalid("If-Match", if_match, 'the ETag of GET /v1/stages, such as "1"')
    return version


def _about(body: dict[str, Any], allowed: Sequence[str]) -> dict[str, Any]:
    """Return what a body says about a change, if it has only the allowed fields. Raises the problem 422."""
    if unknown := sorted(set(body) - set(allowed)):
        raise invalid(unknown[0], body[unknown[0]], f"unknown field; allowed: {', '.join(allowed)}")
    run_actions, reason, preview_id = body.get("run_actions", False), body.get("reason"), body.get("preview_id")
    if not isinstance(run_actions, bool):
        raise invalid("run_actions", run_actions, "true or false")
    if reason is not None and not is_reason(reason):
        raise invalid("reason", reason, REASON)
    if preview_id is not None and (type(preview_id) is not int or not 0 < preview_id < 1 << 63):
        raise invalid("preview_id", preview_id, "the id of a preview")
    return {"runs_actions": run_actions, "reason": reason, "preview_id": preview_id}
