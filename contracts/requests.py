"""Requests and results of a journey's activities: plain JSON, kept small because histories store every result."""

from typing import Any, NotRequired, TypedDict

from journey.time import Micros

#: The reply to one command: None (applied), why it was refused, or what it created.
Reply = str | dict[str, Any] | None


class CommitRequest(TypedDict):
    """Argument of ``commit``.

    ``run_id`` is that of the first execution, the same across continue-as-new; ``now`` is the workflow's time in µs;
    ``state`` is packed (None before the first commit); ``messages`` are [name, JSON text of each argument] in order of
    arrival.
    """

    company_id: int
    customer_id: str
    run_id: str
    now: Micros
    state: dict[str, Any] | None
    messages: list[tuple[str, list[str]]]


class CommitResult(TypedDict, total=False):
    """Result of ``commit``.

    ``changes`` turns the request's state into the new one (see ``journey.state``). ``answers`` has one reply per
    command among the messages; it is omitted if there are none. ``again``: the state was restored from Postgres, and
    the messages are still to be committed. ``more``: more history follows at once. ``actions`` are the new pending
    actions, by ``action_ref``, with the µs at which each is due (0: now). ``merged_into``: the customer was merged into
    this one, whose journey has received the events; the workflow ends.
    """

    changes: dict[str, Any]
    answers: list[Reply]
    again: bool
    more: bool
    actions: dict[str, Micros]
    merged_into: str


class ActRequest(TypedDict):
    """Argument of ``act``: ``tails`` are the ``action_ref`` of each action; ``now`` is the workflow's time in µs.

    ``patient``: there is a single action, which is retried for this many seconds and has then failed; without it, each
    is tried once. ``given_up``: the action has failed for this reason, which is to be recorded. ``cancelled``: the
    actions are cancelled for this reason.
    """

    company_id: int
    customer_id: str
    now: Micros
    tails: list[str]
    patient: NotRequired[float]
    given_up: NotRequired[str]
    cancelled: NotRequired[str]


class ActResult(TypedDict, total=False):
    """Result of ``act``, by ``action_ref``.

    ``done``: succeeded, suppressed, cancelled or failed. ``until``: not before this µs (quiet hours, or the next step
    of a sequence). ``again``: the reason why it is to be retried on its own. ``campaign``: number, steps as
    (``action_ref``, µs when due) and transition of the campaign to be started. ``waiting``: the reasons of those in
    ``until`` that are held back; ``incomplete``: those of them that wait for the customer's profile. ``created``: what
    a successful action created whose work only begins, for the UI.
    """

    done: dict[str, str]
    until: dict[str, Micros]
    again: dict[str, str]
    campaign: dict[str, Any]
    waiting: dict[str, str]
    incomplete: list[str]
    created: dict[str, str]


class MergeRequest(TypedDict):
    """Argument of ``MergeCustomers``: the customer's id becomes an alias of ``into``. ``actor``: for the audit log."""

    company_id: int
    customer_id: str
    into: str
    actor: str


class MergeResult(TypedDict, total=False):
    """What a merge does, or has done; or only why it was ``refused``.

    ``refused``: ``not_found``, ``conflict`` and a sentence fragment for users. ``into``: the customer who remains.
    ``profile``: the fields that the other customer's profile fills; ``consent``: changes by channel (None: no record
    any more). ``events``: the number that move. ``tasks_cancelled``, ``actions_cancelled``: numbers of what cannot
    move. ``stages``: of the journeys before (``customer_id``, ``into``), and ``after``; null without a journey.
    """

    refused: tuple[str, str]
    customer_id: str
    into: str
    profile: list[str]
    consent: dict[str, bool | None]
    events: int
    tasks: int
    tasks_cancelled: int
    actions_cancelled: int
    campaign_ended: bool
    stages: dict[str, str | None]
