"""What people ask of journeys: updates over Temporal, answered when they are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import Gateway
from api.problems import not_found, problem, shown, unavailable
from contracts.journey_client import journey
from contracts.messages import Request
from db.people.api_keys import Credential

ANSWER_LIMIT = 8.0  # seconds for a worker to commit the change; many clients give up after ten

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[!-~]{1,64}$",
        description="repeats of a request with the same key count once, as long as the journey's present run lasts"
        " (about twenty messages): enough for a double click or an answer that was lost, not for ever",
    ),
]


async def ask(
    gateway: Gateway,
    company_id: int,
    customer_id: str,
    name: str,
    request: Request,
    *,
    update_id: str | None = None,
    conflicts: Collection[str] = (),
) -> dict[str, Any]:
    """What the journey answers to an update, with `customer_id`.

    Raises the problem 404 without such a journey, 422 where it refuses, but 409 where it refuses for one of the fields
    `conflicts`, and 503 where nobody answers in time.
    """
    handle = journey(gateway.temporal.client, company_id, customer_id)
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            answer: dict[str, Any] = await handle.execute_update(name, request, id=update_id, result_type=dict)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        said = cause.message if isinstance(cause, ApplicationError) else "the change was refused"
        raise _refused(name, request, said, conflicts) from None
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        detail = "no worker answered in time; the change may still be made"
        raise unavailable("worker", detail) from None
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise not_found("this company has no journey of such a customer") from None
        raise
    return {"customer_id": customer_id, **answer}


def update_id(name: str, credential: Credential, key: str | None) -> str | None:
    """The update's id for an idempotency key: a hash, because ids stand in histories, whatever a key may say."""
    if key is None:
        return None
    return f"{name}-{sha256(f'{credential.key_id}:{key}'.encode()).hexdigest()[:32]}"


def by_key(credential: Credential) -> str:
    """Who did it, for the audit log."""
    return f"key/{credential.key_id}"


def _refused(name: str, request: Request, said: str, conflicts: Collection[str]) -> Exception:
    """A refusal begins with the field that it is about, where it is about one."""
    field, found, reason = said.partition(": ")
    if not found or not hasattr(request, field):
        return problem("refused", said, errors=[{"field": "(body)", "value": name, "problem": said}])
    kind = "conflict" if field in conflicts else "refused"
    error = {"field": field, "value": shown(getattr(request, field)), "problem": reason}
    return problem(kind, said, errors=[error])
