"""What crosses between a journey and its activities: plain JSON, kept small because the answers stand in histories."""

from typing import Any, TypedDict


class CommitRequest(TypedDict):
    """What the workflow hands to ``commit``.

    ``run_id`` is the first execution's, the same over every continue-as-new; ``now`` the workflow's time in µs;
    ``state`` packed (None before the first commit); ``messages`` are [name, JSON text of each argument] in order of
    arrival.
    """

    company_id: int
    customer_id: str
    run_id: str
    now: int
    state: dict[str, Any] | None
    messages: list[tuple[str, list[str]]]


class CommitResult(TypedDict, total=False):
    """What ``commit`` answers.

    ``changes``: what turns the request's state into the new one (see ``journey.state.changed``). ``answers``: for each
    command among the messages why it was refused, or None; left out where there is none. ``again``: the state was taken
    over from Postgres, the messages are still to be committed. ``more``: more history follows at once.
    """

    changes: dict[str, Any]
    answers: list[str | None]
    again: bool
    more: bool
