"""What crosses between a journey and its activities: plain JSON, kept small because the answers stand in histories."""

from typing import Any, NotRequired, TypedDict

from journey.time import Micros


class CommitRequest(TypedDict):
    """What the workflow hands to ``commit``.

    ``run_id`` is the first execution's, the same over every continue-as-new; ``now`` the workflow's time in µs;
    ``state`` packed (None before the first commit); ``messages`` are [name, JSON text of each argument] in order of
    arrival.
    """

    company_id: int
    customer_id: str
    run_id: str
    now: Micros
    state: dict[str, Any] | None
    messages: list[tuple[str, list[str]]]


class CommitResult(TypedDict, total=False):
    """What ``commit`` answers.

    ``changes``: what turns the request's state into the new one (see ``journey.state.changed``). ``answers``: for each
    command among the messages why it was refused, or None, or what it made; left out where there is none. ``again``:
    the state was taken over from Postgres, the messages are still to be committed. ``more``: more history follows at
    once. ``actions``: the tails of the actions to be done, with the µs when each is due (0: now).
    """

    changes: dict[str, Any]
    answers: list[str | dict[str, Any] | None]
    again: bool
    more: bool
    actions: dict[str, Micros]


class ActRequest(TypedDict):
    """What the workflow hands to ``act``: the tails to be tried; ``now`` is the workflow's time in µs.

    ``patient``: one tail, which is tried again for ``seconds`` at most and then has failed; otherwise each is tried
    once. ``given_up``: the tail has failed; this is to be written. ``cancelled``: why the tails are not to be tried.
    """

    company_id: int
    customer_id: str
    now: Micros
    tails: list[str]
    patient: NotRequired[float]
    given_up: NotRequired[str]
    cancelled: NotRequired[str]


class ActResult(TypedDict, total=False):
    """What ``act`` answers, by tail.

    ``done``: succeeded, suppressed, cancelled or failed. ``until``: not before this µs (quiet hours, or the next step
    of what goes on). ``again``: why it is to be tried on its own. ``campaign``: the number of the campaign to be
    started, its steps as (tail, µs when due), and the transition that it belongs to.
    """

    done: dict[str, str]
    until: dict[str, Micros]
    again: dict[str, str]
    campaign: dict[str, Any]
