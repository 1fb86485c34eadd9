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


class Readiness(Schema):
    """Whether Postgres and Temporal respond."""

    status: Literal["ready", "not ready"]
    postgres: Dependency
    temporal: Dependency
