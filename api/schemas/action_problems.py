"""Failed and held-back actions: the list, the counts, and the results of trying several again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.actions import Action
from api.schemas.base import ActionName, Count, CustomerId, NextCursor, RowId, Schema

ProblemName = Annotated[
    Literal["failed", "failing", "waiting", "suppressed"],
    Field(
        description="`failed`: tried for a day, or refused permanently; `failing`: the last attempt failed and another"
        " one follows; `waiting`: held back until `due_at`; `suppressed`: held back, and not tried again by itself"
    ),
]


class ActionProblem(Action):
    """A failed or held-back action."""

    problem: ProblemName


class ActionProblemCount(Schema):
    """The number of actions with one problem and one name."""

    problem: ProblemName
    action: ActionName = Field(description="name of the action without its step")
    count: Count
    more: bool = Field(description="whether there are more than `count`")


class ProblemsPage(Schema):
    """A page of failed and held-back actions, newest first."""

    actions: list[ActionProblem]
    action_counts: list[ActionProblemCount] | None = Field(
        description="all failed and held-back actions by problem and name, whatever was requested; null on all pages"
        " but the first"
    )
    next_cursor: NextCursor


class RetryResult(Schema):
    """What became of the request to try one action again."""

    action_id: RowId
    customer_id: CustomerId | None = Field(description="null if the action was not found")
    outcome: Literal["retried", "refused", "not_found", "not_confirmed"] = Field(
        description="`refused`: nothing was changed; `not_confirmed`: no answer in time, the action may still be tried"
        " again; repeating the request is safe"
    )
    reason: str | None = Field(description="why it was refused or not confirmed; null otherwise")


class RetryResults(Schema):
    """One result for each requested action, in the requested order."""

    retried: Count = Field(description="number of results with the outcome `retried`")
    results: list[RetryResult]
