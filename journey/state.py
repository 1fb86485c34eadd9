"""What a journey remembers: its facts, where it stands, and how both cross a process boundary.

Everything here is exact and compact: instants are integers (microseconds since 1970 UTC), money is integer hundredths,
scores are integer hundredths. ``pack`` and ``unpack`` are the only form in which a state leaves this room,
``state_diff`` and ``apply_state_diff`` what of it goes on record.
"""

from bisect import bisect_right, insort
from collections.abc import Mapping
from copy import copy as shallow
from typing import Any

import msgspec
from msgspec import Struct, field

from journey.time import DAY, EPOCH_MICROS, SECOND, Micros, Moment

SCHEMA = 1  # of the packed form: additive, so that a reader of version n+1 reads version n
WINDOW = 180 * DAY  # completed appointments older than this before the last one change no score
TICKETS_REMEMBERED = 50


class Facts(Struct, omit_defaults=True):
    """Sums over all events of one journey; none depends on the order in which events arrived.

    ``value`` is the lifetime value in hundredths; ``recent`` the instants of completed appointments in the 180 days up
    to and with the last one, ascending; ``tickets`` maps an open ticket to 0 and a ticket that was resolved before its
    opening was heard of to the instant of that resolution.
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
        """From when inactivity counts: the last completed appointment, before the first one the last event."""
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
            del self.tickets[ticket]  # it was resolved after this opening, which arrived late
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
    """The state as a small JSON object: it is carried over every continue-as-new.

    Instants are seconds (a text where there is a fraction), appointments a text of such seconds, ascending; what
    follows from the rest is left out.
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
    """A state from ``pack``'s form, of this schema version or an older one. Raises msgspec.ValidationError."""
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
    """What turns one packed state into another, for ``apply_state_diff``: it stands in the history of every commit.

    Fields that differ, facts in the same way; ``-`` names those that went; appointments that only moved on are
    ``[how many went from the front, those that came …]``.
    """
    found: dict[str, Any] = {}
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if name == "f":
            found[name] = state_diff(before or {}, value)
        else:
            found[name] = _moved_on(before, value) if name == "ap" and before else value
    if gone := [name for name in old if name not in new]:
        found["-"] = gone
    return found


def apply_state_diff(old: Mapping[str, Any] | None, difference: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The packed state after ``state_diff``. Histories hold the differences: what it makes of one must never change."""
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


def _moved_on(old: str, new: str) -> str | list[Any]:
    before, after = old.split(), new.split()
    went = before.index(after[0]) if after[0] in before else len(before)
    kept = len(before) - went
    return [went, *after[kept:]] if before[went:] == after[:kept] else new


def deadline_of(packed: Mapping[str, Any] | None) -> Micros | None:
    """The deadline (µs) of a packed state, without unpacking it."""
    deadline = packed.get("d") if packed else None
    return None if deadline is None else _instant(deadline)


def copy(state: State) -> State:
    """An independent copy: changing it leaves the original alone."""
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
