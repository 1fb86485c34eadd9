"""Base class and common field types of response schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

OPTIONAL = "x-optional"


def _tidy(schema: dict[str, Any]) -> None:
    """Drop the titles and defaults that pydantic derives: they repeat the field's name or describe no answer."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
        if field.pop(OPTIONAL, False):
            del field["default"]


class Schema(BaseModel):
    """An answer or a part of one. Every field is documented; every field without `optional` is always present."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_tidy)


def optional(description: str) -> Any:
    """Declare a field that an answer may leave out. (A field that may be null has the type ``T | None`` instead.)"""
    return Field(default=None, description=description, json_schema_extra={OPTIONAL: True})


def one_of(*values: str) -> WithJsonSchema:
    """Describe a string that is one of ``values``: for lists that come from a registry and not from a type."""
    return WithJsonSchema({"type": "string", "enum": list(values)})


Money = Annotated[float, Field(description="amount in the company's currency, exact to two decimals")]
MoneyText = Annotated[
    str,
    Field(pattern=r"^-?[0-9]+\.[0-9]{2}$", description="amount in the company's currency, as an exact decimal string"),
]
Score = Annotated[float, Field(ge=0, le=1, description="score from 0 to 1, exact to two decimals")]
Percentage = Annotated[float, Field(ge=0, le=100, description="percentage from 0 to 100")]
Count = Annotated[int, Field(ge=0)]
RowId = Annotated[int, Field(ge=1)]
CustomerId = Annotated[str, Field(description="the company's own id of the customer")]
StageKey = Annotated[str, Field(description="key of a stage", min_length=1, max_length=50)]
StageName = Annotated[str, Field(description="the company's name for the stage")]
ActionName = Annotated[
    str, Field(description="name of the action; later steps have a number, such as `send_onboarding_sequence.2`")
]
KeyId = Annotated[int, Field(ge=1, description="id of the API key that was used")]
NextCursor = Annotated[str | None, Field(description="pass it as `cursor` to get the next page; null on the last page")]

TriggerType = Literal["manual", "automatic", "system"]
LedgerOutcome = Literal["applied", "conflict", "quarantined"]
ActionStatus = Literal["pending", "waiting", "succeeded", "failed", "suppressed", "cancelled"]
TaskStatus = Literal["open", "done", "cancelled"]
StageKind = Literal["growth", "lapse"]
StaffRole = Literal["sales", "manager"]
Scope = Literal["events:write", "journeys:read", "journeys:write", "admin"]
