"""The state of a journey, with its facts, and its packed form.

Everything is exact and compact: instants are integer microseconds, money and scores are integer hundredths. A state
leaves this package only in its packed form (`pack`, `unpack`). Workflow histories record differences between packed
states (`state_diff`, `apply_state_diff`).
"""

from bisect import bisect_right, insort
from collections.abc import Mapping
from copy import copy as shallow
from typing import Any

import msgspec
from msgspec import Struct, field

from journey.time import DAY, EPOCH_MICROS, SECOND, Micros, Moment

SCHEMA = 1  # of the packed form: changes are additive, so that version n+1 can read version n
WINDOW = 180 * DAY  # completed appointments older than this before the last one change no score
TICKETS_REMEMBERED = 50


class Facts(Struct, omit_defaults=True):
    """Sums over all events of a journey. None depends on the order in which the events arrived.

    Attributes:
        value: The lifetime value in hundredths.
        recent: The times of completed appointments in the 180 days up to and including the last one, ascending.
        tickets: Maps an open ticket to 0, and a ticket whose resolution arrived before its opening to the time of the
            resolution.
    """

    calls: int = field(default=0, name="c")
    qualified_calls: int = field(default=0, name="q")
    ratings: int = field(default=0, name="rn")
    rating_sum: int = field(default=0, name="rs")
    requests: int = field(default=0, name="r")
    completed: int = field(default=0, name="a")
    value: int = field(default=0, name="v")
    missed: int = field(default=0, name="m")
    cancelled: int = field(default=0, name="x")
    last_event_at: Micros | None = field(default=None, name="e")
    recent: list[Micros] = field(default_factory=list, name="ap")
    tickets: dict[str, int] = field(default_factory=dict, name="t")

    @property
    def last_appointment_at(self) -> Micros | None:
        return self.recent[-1] if self.recent else None

    @property
    def active_at(self) -> Micros | None:
        """When inactivity begins: at the last completed appointment, or before the first one at the last event."""
        return self.recent[-1] if self.recent else self.last_event_at

    @property
    def open_tickets(self) -> int:
        return sum(1 for resolved in self.tickets.values() if not resolved)

    def rate(self, rating: int) -> None:
        self.ratings += 1
        self.rating_sum += rating

    def remember_appointment(self, at: Micros) -> None:
        recent = self.recent
        if not recent or at >= recent[-1]:
            recent.append(at)
            if recent[0] <= at - WINDOW:
                del recent[: bisect_right(recent, at - WINDOW)]
        elif at > recent[-1] - WINDOW:
            insort(recent, at)

    def open_ticket(self, ticket: str, at: Micros) -> None:
        resolved = self.tickets.get(ticket)
        if resolved and resolved >= at:
            del self.tickets[ticket]  # the ticket was resolved after this opening, which arrived late
        else:
            self._remember_ticket(ticket, 0)

    def resolve_ticket(self, ticket: str, at: Micros) -> None:
        if self.tickets.get(ticket) == 0:
            del self.tickets[ticket]
        else:
            self._remember_ticket(ticket, at or 1)

    def _remember_ticket(self, ticket: str, resolved: int) -> None:
        self.tickets[ticket] = resolved
        if len(self.tickets) > TICKETS_REMEMBERED:
            del self.tickets[next(iter(self.tickets))]


class State(Struct, omit_defaults=True):
    """One journey, as of its last commit.

    Attributes:
        version: The number of commits.
        trigger: The ``trigger_event`` of the transition into the stage.
        transition_number: The number of transitions, which is that of the last one.
        reached: The stages ever entered, in order of first entry.
        evaluated: The moment of the last event or transition.
        risk: The risk score in hundredths; ``engagement`` likewise.
        deadline: The instant after which an evaluation would change something without any event.
        deadline_stage: The stage that the deadline leads to; None if only the scores or the hold change.
    """

    schema: int = field(default=SCHEMA, name="S")
    version: int = field(default=0, name="n")
    stage: str | None = field(default=None, name="s")
    entered_at: Micros = field(default=EPOCH_MICROS, name="i")
    trigger: str = field(default="", name="w")
    previous_stage: str | None = field(default=None, name="p")
    started_at: Micros = field(default=EPOCH_MICROS, name="b")
    transition_number: int = field(default=0, name="k")
    reached: list[str] = field(default_factory=list, name="g")
    evaluated: Moment | None = field(default=None, name="E")
    rules_version: int = field(default=1, name="R")
    held: bool = field(default=False, name="h")
    hold_until: Micros | None = field(default=None, name="hu")
    risk: int = field(default=0, name="ri")
    engagement: int = field(default=50, name="en")
    deadline: Micros | None = field(default=None, name="d")
    deadline_stage: str | None = field(default=None, name="ds")
    facts: Facts = field(default_factory=Facts, name="f")


_INSTANTS = ("i", "b", "hu", "d")


def pack(state: State) -> dict[str, Any]:
    """Pack a state as a small JSON object, because it is carried over every continue-as-new.

    Instants are seconds (a string if there is a fraction), and appointments a string of such seconds, ascending. What
    can be derived from the rest is omitted.
    """
    packed: dict[str, Any] = msgspec.to_builtins(state)
    facts, recent = packed.get("f", {}), state.facts.recent
    for name in _INSTANTS:
        if name in packed:
            packed[name] = _short(packed[name])
    if state.facts.last_event_at is not None:
        if state.evaluated == 2 * state.facts.last_event_at:
            del packed["E"]
        if recent and recent[-1] == state.facts.last_event_at:
            del facts["e"]
        else:
            facts["e"] = _short(facts["e"])
    if recent:
        facts["ap"] = " ".join(map(_seconds, recent))
    if state.reached:
        packed["g"] = " ".join(state.reached)
    packed["S"] = SCHEMA
    return packed


def unpack(packed: Mapping[str, Any]) -> State:
    """Unpack a state of this schema version or an older one. Raises msgspec.ValidationError."""
    fields, facts = dict(packed), dict(packed.get("f", {}))
    fields["f"], fields["g"] = facts, packed.get("g", "").split()
    for name in _INSTANTS:
        if name in fields:
            fields[name] = _instant(fields[name])
    facts["ap"] = [_instant(seconds) for seconds in facts.get("ap", "").split()]
    if "e" in facts:
        facts["e"] = _instant(facts["e"])
    elif facts["ap"]:
        facts["e"] = facts["ap"][-1]
    if "E" not in fields and "e" in facts:
        fields["E"] = 2 * facts["e"]
    return msgspec.convert(fields, State)


def state_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference between two packed states, which is recorded in the history for every commit.

    It has the fields that differ, and for the facts their difference in the same form; ``-`` lists removed fields.
    Appointments that only moved on are ``[number removed from the front, added …]``.
    """
    found: dict[str, Any] = {}
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if name == "f":
            found[name] = state_diff(before or {}, value)
        else:
            found[name] = _recent_diff(before, value) if name == "ap" and before else value
    if gone := [name for name in old if name not in new]:
        found["-"] = gone
    return found


def apply_state_diff(old: Mapping[str, Any] | None, difference: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Apply a `state_diff` to a packed state. Histories contain differences, so the result must never change."""
    if not difference:
        return None if old is None else dict(old)
    gone = difference.get("-", ())
    new = {name: value for name, value in (old or {}).items() if name not in gone}
    for name, value in difference.items():
        if name == "f":
            new[name] = apply_state_diff(new.get(name), value) or {}
        elif name == "ap" and isinstance(value, list):
            new[name] = " ".join([*new[name].split()[value[0] :], *value[1:]])
        elif name != "-":
            new[name] = value
    return new


def _recent_diff(old: str, new: str) -> str | list[Any]:
    before, after = old.split(), new.split()
    went = before.index(after[0]) if after[0] in before else len(before)
    kept = len(before) - went
    return [went, *after[kept:]] if before[went:] == after[:kept] else new


def deadline_of(packed: Mapping[str, Any] | None) -> Micros | None:
    """Return the deadline of a packed state without unpacking it."""
    deadline = packed.get("d") if packed else None
    return None if deadline is None else _instant(deadline)


def copy(state: State) -> State:
    """Return an independent copy."""
    twin, facts = shallow(state), shallow(state.facts)
    twin.reached, twin.facts = state.reached.copy(), facts
    facts.recent, facts.tickets = facts.recent.copy(), facts.tickets.copy()
    return twin


def _short(instant: Micros) -> int | str:
    return _seconds(instant) if instant % SECOND else instant // SECOND


def _seconds(instant: Micros) -> str:
    whole, fraction = divmod(instant, SECOND)
    return f"{whole}.{fraction:06d}" if fraction else str(whole)


def _instant(seconds: int | str) -> Micros:
    if isinstance(seconds, int):
        return Micros(seconds * SECOND)
    whole, _, fraction = seconds.partition(".")
    return Micros(int(whole) * SECOND + int(fraction or 0))
