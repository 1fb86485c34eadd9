"""Problem details (RFC 9457), with the extension members of each type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import Count, RowId, Schema, optional
from api.schemas.events import FieldError, RejectedEvent


class Problem(Schema):
    """An error."""

    type: Annotated[str, Field(description="URI of the problem type; opening it explains the problem")] = Field(
        json_schema_extra={"format": "uri"}
    )
    title: str
    status: Annotated[int, Field(ge=400, le=599, description="HTTP status code")]
    detail: str = optional("what happened in this case")


class MissingScopeProblem(Problem):
    """The API key lacks a scope."""

    scope: str


class InvalidRequestProblem(Problem):
    """The request is not valid, or the journey refused the change."""

    errors: list[FieldError]


class InvalidEventsProblem(Problem):
    """No event was valid."""

    errors: list[FieldError] = optional("of the body, or of its only event")
    accepted: Count = optional("0; present if the events could be read one by one")
    rejected: list[RejectedEvent] = optional("every event with its errors")


class TaskLink(Schema):
    """A task, and where the dashboard shows it."""

    id: RowId
    url: str


class ConflictProblem(Problem):
    """The request conflicts with the current state."""

    errors: list[FieldError] = optional("the field that conflicts")
    notes: str | None = optional("the current notes, if others were expected")
    task: TaskLink = optional("the open task of the customer")


class UnavailableProblem(Problem):
    """A part of the system does not respond."""

    part: str = Field(description="which part, such as `Postgres`")


class NotAllTakenProblem(UnavailableProblem):
    """Some events could not be stored."""

    stored: Count
    rejected: list[RejectedEvent]


#: by problem type; all others are a plain `Problem`
BY_KIND: dict[str, type[Problem]] = {
    "missing-scope": MissingScopeProblem,
    "invalid-request": InvalidRequestProblem,
    "refused": InvalidRequestProblem,
    "invalid-events": InvalidEventsProblem,
    "conflict": ConflictProblem,
    "unavailable": UnavailableProblem,
    "not-all-taken": NotAllTakenProblem,
}


def schema_of(kind: str) -> type[Problem]:
    """The schema of a problem type."""
    return BY_KIND.get(kind, Problem)
