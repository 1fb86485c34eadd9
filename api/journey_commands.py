"""Staff commands to journeys: Temporal updates, answered once they are committed."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header

from api.dependencies import Gateway
from api.problems import not_found, problem, shown, unavailable
from contracts.journey_client import CommandRefused, CommandTimedOut, JourneyNotFound, TemporalUnavailable, execute
from contracts.messages import UPDATE_NAMES, JourneyCommand
from db.people.api_keys import Credential

ANSWER_LIMIT = 8.0  # seconds for a worker to commit the change; many clients give up after ten

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[!-~]{1,64}$",
        description="repeated requests with the same key count once, as long as the current workflow run lasts"
        " (about twenty messages): enough for a double click or a lost response, not permanently",
    ),
]


async def execute_command(
    gateway: Gateway,
    company_id: int,
    customer_id: str,
    command: JourneyCommand,
    *,
    update_id: str | None = None,
    conflicts: Collection[str] = (),
) -> dict[str, Any]:
    """Return the journey's answer to a command, with `customer_id`.

    Raises the problem 404 without such a journey, 422 if it refuses, but 409 if it refuses because of one of the fields
    `conflicts`, and 503 if no worker answers in time.
    """
    client = gateway.temporal.client
    try:
        answer = await execute(client, company_id, customer_id, command, timeout=ANSWER_LIMIT, update_id=update_id)
    except CommandRefused as error:
        raise _refused(command, str(error), conflicts) from None
    except CommandTimedOut as error:
        raise unavailable("worker", str(error)) from None
    except JourneyNotFound:
        raise not_found("this customer has no journey") from None
    except TemporalUnavailable:
        raise unavailable("Temporal") from None
    return {"customer_id": customer_id, **answer}


def update_id(command: JourneyCommand, credential: Credential, key: str | None) -> str | None:
    """Return the update id for an idempotency key: a hash, because update ids are stored in workflow histories."""
    if key is None:
        return None
    return f"{UPDATE_NAMES[type(command)]}-{sha256(f'{credential.key_id}:{key}'.encode()).hexdigest()[:32]}"


def by_key(credential: Credential) -> str:
    """Return the actor for the audit log."""
    return f"key/{credential.key_id}"


def _refused(command: JourneyCommand, refusal: str, conflicts: Collection[str]) -> Exception:
    """Make a problem of a refusal, which begins with the field that it is about, if it is about one."""
    field, separator, reason = refusal.partition(": ")
    if not separator or not hasattr(command, field):
        error = {"field": "(body)", "value": UPDATE_NAMES[type(command)], "problem": refusal}
        return problem("refused", refusal, errors=[error])
    kind = "conflict" if field in conflicts else "refused"
    error = {"field": field, "value": shown(getattr(command, field)), "problem": reason}
    return problem(kind, refusal, errors=[error])
