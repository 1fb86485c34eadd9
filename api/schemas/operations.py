"""Liveness and readiness."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import Schema, optional


class Liveness(Schema):
    """The process is running."""

    status: Literal["alive"]


class Dependency(Schema):
    """A service that the gateway depends on."""

    status: Literal["up", "down"]
    milliseconds: float = optional("response time; present if it is up")
    problem: str = optional("kind of error; present if it is down")


class Clock(Schema):
    """This machine's clock, compared with Temporal's."""

    status: Literal["right", "wrong", "unknown"]
    seconds_ahead: float = optional("by how much it is ahead of Temporal's clock; absent if unknown")


class Readiness(Schema):
    """Whether Postgres and Temporal respond and the clock is right."""

    status: Literal["ready", "not ready"]
    postgres: Dependency
    temporal: Dependency
    clock: Clock
