"""`/v1/staff`: the company's staff."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.dependencies import CredentialDep, GatewayDep
from api.field_types import Email, PersonName, RowId, not_null
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import not_found
from api.schemas.tasks import StaffList, StaffMember
from api.security.route_classes import scoped_route
from db.connections import tenant_transaction
from db.people import staff
from db.people.api_keys import ADMIN

router = APIRouter(tags=["staff"], route_class=scoped_route(ADMIN))

_EXAMPLE = {
    "id": 2,
    "name": "Grace Example",
    "email": "grace@example.com",
    "role": "manager",
    "is_active": True,
    "customers": 12,
    "open_tasks": 3,
    "created_at": "2026-03-02T10:15:00+00:00",
}


class Person(BaseModel):
    """A staff member."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Grace Example", "role": "manager", "email": "grace@example.com"}]},
    )

    name: PersonName
    role: Literal["sales", "manager"]
    email: Email | None = Field(default=None, description="address for notifications about customers at risk")


class PersonChange(BaseModel):
    """Changes to a staff member. Omitted fields stay unchanged."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"is_active": False}, {"role": "sales", "email": None}]}
    )

    name: PersonName | None = None
    role: Literal["sales", "manager"] | None = None
    email: Email | None = None
    is_active: bool | None = Field(
        default=None, strict=True, description="whether new customers and tasks are assigned to them"
    )

    _not_null = field_validator("name", "role", "is_active", mode="before")(not_null)


@router.get(
    "/v1/staff",
    summary="List staff",
    response_model=None,
    responses={
        200: json_answer(
            StaffList,
            "All staff, inactive included, each with their customers and open tasks.",
            {"staff": [_EXAMPLE]},
        ),
        **problems(),
    },
)
async def get_staff(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        return {"staff": await staff.list_all(connection, credential.company_id)}


@router.post(
    "/v1/staff",
    summary="Add a staff member",
    status_code=201,
    response_model=None,
    responses={
        201: json_answer(
            StaffMember, "The new staff member, to whom customers and tasks are assigned from now on.", _EXAMPLE
        ),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def add_person(person: Person, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    company_id = credential.company_id
    async with tenant_transaction(gateway.pool, company_id) as connection:
        return await staff.add(connection, company_id, **person.model_dump(), actor=by_key(credential))


@router.patch(
    "/v1/staff/{staff_id}",
    summary="Change a staff member",
    response_model=None,
    responses={
        200: json_answer(StaffMember, "The staff member after the change.", {**_EXAMPLE, "is_active": False}),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def change_person(
    staff_id: RowId, change: PersonChange, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """Deactivate staff who leave: they get no new customers and tasks, but keep those they already have."""
    changes = change.model_dump(exclude_unset=True)
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        person = await staff.update(connection, credential.company_id, staff_id, changes, by_key(credential))
    if person is None:
        raise not_found("no such staff member")
    return person
