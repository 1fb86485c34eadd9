"""Whom to contact: the call list and the due list."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query, Response

from api import cursors
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid
from api.schemas.call_list import CallList, DueList
from api.security.route_classes import scoped_route
from db.analytics import call_list
from db.analytics.call_list import Position
from db.people.api_keys import JOURNEYS_READ
from journey.call_reasons import call_reason, due_reason
from journey.currency import DEFAULT_CURRENCY
from journey.outreach import outreach_from
from journey.stages import DEFAULT_RULEBOOK, Role, Rulebook

MAX_ROWS = 200
MAX_DAYS = 90
MAX_AMOUNT = Decimal(10) ** 25  # of a value at stake
_CALLS, _DUE_LIST = "call list", "due list"  # kinds of cursors

router = APIRouter(tags=["lists"], route_class=scoped_route(JOURNEYS_READ))

_CUSTOMER = {
    "customer_id": "c-1001",
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "030 1234567",
    "phone_e164": "+49301234567",
    "current_stage": DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)[0],
    "stage_name": "At risk",
    "lifetime_value": 744.00,
    "last_appointment_at": "2026-01-11T09:00:00+00:00",
    "days_since_last_visit": 51,
    "usual_interval_days": 34.0,
    "expected_at": "2026-02-14T09:00:00+00:00",
    "mean_amount": 62.00,
    "return_probability": 0.32,
    "contacted_at": None,
}
_CALL = {
    **_CUSTOMER,
    "reason": "usually comes every 34 days and spends about €62; 51 days since the last visit;"
    " returns without help with 32 %",
    "value_at_stake": 452.60,
    "value_per_year": 665.59,
    "years_as_customer": 1.4,
    "overdue_days": 17,
    "because": Role.AT_RISK.value,
    "substitutions": [],
}
_DUE = {
    **_CUSTOMER,
    "reason": "usually comes every 34 days; expected on 14 February; no appointment booked",
    "service": None,
}

Cursor = Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)]
Limit = Annotated[int, Query(ge=1, le=MAX_ROWS)]


@router.get(
    "/v1/portal/call-list",
    summary="List customers to contact",
    response_model=None,
    responses={
        200: json_answer(
            CallList,
            "A page of the list. A page with a `next_cursor` may have fewer rows than `limit`.",
            {"customers": [_CALL], "next_cursor": None},
        ),
        **problems(),
    },
)
async def get_call_list(
    gateway: GatewayDep,
    credential: CredentialDep,
    include_lost: Annotated[
        bool, Query(description="also list customers who have left, in a stage with the role `lost`")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Customers in a stage with the role `at_risk`, or whose next visit was expected before now, by value at stake: the
    mean amount of the latest five visits × 365 ÷ the usual interval × (1 − return probability).

    Not listed is who has booked, was contacted in the last 7 days, or does not want to be contacted.
    """
    company_id = credential.company_id
    rulebook = await gateway.rulebook(company_id)
    found = await call_list.call_list(
        gateway.pool,
        company_id,
        rulebook,
        include_lost=include_lost,
        limit=limit,
        after=_position(cursor, _CALLS),
    )
    currency = found.settings.get("currency", DEFAULT_CURRENCY)
    rows = [_call_row(row, rulebook, currency) for row in found.rows]
    return _answer(rows, found.next, _CALLS)


@router.get(
    "/v1/portal/due",
    summary="List customers who are expected soon and have not booked",
    response_model=None,
    responses={
        200: json_answer(
            DueList,
            "A page of the list. A page with a `next_cursor` may have fewer rows than `limit`.",
            {"customers": [_DUE], "next_cursor": None},
        ),
        **problems(),
    },
)
async def get_due_list(
    gateway: GatewayDep,
    credential: CredentialDep,
    days: Annotated[int, Query(ge=1, le=MAX_DAYS, description="how far ahead the list looks")] = 7,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Customers whose next visit is expected in the next days by their rhythm. Not listed is who has booked, is in a
    stage with the role `lost`, or does not want to be contacted.
    """
    company_id = credential.company_id
    rulebook = await gateway.rulebook(company_id)
    found = await call_list.due_list(
        gateway.pool, company_id, rulebook, days=days, limit=limit, after=_position(cursor, _DUE_LIST)
    )
    zone = ZoneInfo(outreach_from(found.settings.get("outreach")).time_zone)
    return _answer([_due_row(row, zone) for row in found.rows], found.next, _DUE_LIST)


def _call_row(row: dict[str, Any], rulebook: Rulebook, currency: str) -> dict[str, Any]:
    stage = rulebook.by_key.get(row["current_stage"])
    role = None if stage is None else stage.role
    has_rhythm = row["usual_interval_days"] is not None
    missing = {
        "no_rhythm": not has_rhythm,
        "no_mean_amount": has_rhythm and row["mean_amount"] is None,
        "no_model": row["return_probability"] is None,
    }
    row["because"] = role.value if role in (Role.AT_RISK, Role.LOST) else "overdue"
    row["substitutions"] = [name for name, is_missing in missing.items() if is_missing]
    return {**row, "reason": call_reason(row, currency)}


def _due_row(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    rhythms = (row.pop("rhythm") or {}).get("services", ())
    expected = datetime.fromisoformat(row["expected_at"])
    decisive = next((each for each in rhythms if datetime.fromisoformat(each["expected_at"]) == expected), None)
    service, explained = None, row
    if decisive is not None:
        service, explained = decisive["service"], {**row, "usual_interval_days": decisive["usual_interval"]}
    return {**row, "service": service, "reason": due_reason(explained, expected.astimezone(zone).date(), service)}


def _answer(rows: list[dict[str, Any]], following: Position | None, kind: str) -> Response:
    next_cursor = following and cursors.encode(kind, *following)
    return Response(orjson.dumps({"customers": rows, "next_cursor": next_cursor}), media_type=JSON)


def _position(cursor: str | None, kind: str) -> Position | None:
    """Return the position in a cursor of one of the lists. Raises the problem 422 for any other text."""
    if cursor is None:
        return None
    try:
        its_kind, value, row = cursors.decode(cursor)
        if its_kind != kind:
            raise ValueError("cursor of another list")
        position = _amount(value) if kind == _CALLS else cursors.timestamp(value)
        return position, cursors.row_id(row)
    except (ValueError, TypeError, ArithmeticError):
        raise invalid("cursor", cursor, f"the `next_cursor` of a page of the {kind}") from None


def _amount(text: str) -> str:
    """Check an amount in a cursor. Raises ValueError or ArithmeticError."""
    if not abs(Decimal(text)) < MAX_AMOUNT:  # neither infinite nor not a number
        raise ValueError("not an amount")
    return text
