"""The state of a journey, and its packed form.

Everything is exact and compact: instants are integer microseconds, money and scores are integer hundredths. A state
leaves this package only in its packed form (`pack`, `unpack`). Workflow histories record differences between packed
states (`state_diff`, `apply_state_diff`).
"""

from collections.abc import Mapping
from operator import methodcaller
from typing import Any

import msgspec
from msgspec import Struct, field

from journey.appointments import pack_appointment, unpack_appointment
from journey.facts import Facts
from journey.time import EPOCH_MICROS, SECOND, Micros, Moment, seconds_text, seconds_to_micros

SCHEMA = 3  # of the packed form: changes are additive, so that version n+1 can read version n
#: States of before do not have the appointments, or the visits of their journey's rhythm.
SCHEMA_WITH_APPOINTMENTS, SCHEMA_WITH_RHYTHM = 2, 3


class State(Struct, omit_defaults=True):
    """One journey, as of its last commit.

    Attributes:
        schema: The version of the packed form that it was read from.
        version: The number of commits.
        trigger: The ``trigger_event`` of the transition into the stage.
        transition_number: The number of transitions, which is that of the last one.
        reached: The stages ever entered, in order of first entry.
        evaluated: The moment of the last event or transition.
        holds: The latest holds, past ones too: since when, in which stage, until when (None: until released).
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
    holds: list[tuple[Micros, str, Micros | None]] = field(default_factory=list, name="H")
    risk: int = field(default=0, name="ri")
    engagement: int = field(default=50, name="en")
    deadline: Micros | None = field(default=None, name="d")
    deadline_stage: str | None = field(default=None, name="ds")
    facts: Facts = field(default_factory=Facts, name="f")


_INSTANTS = ("i", "b", "hu", "d")
_APPENDED = ("ap", "rd")
#: Copies a Struct, in a fifth of the time that `copy.copy` takes: every decision copies states.
shallow = methodcaller("__copy__")
_SERVICE = "s:"  # before the names of services, so that they differ from all other names of a packed state


def pack(state: State) -> dict[str, Any]:
    """Pack a state as a small JSON object, because it is carried over every continue-as-new.

    Instants are seconds (a string if there is a fraction), and appointments a string of such seconds, ascending. What
    can be derived from the rest is omitted.
    """
    recent, appointments = state.facts.recent, state.facts.appointments
    if appointments:
        bare = msgspec.structs.replace(state.facts, appointments={}, booked=[], unasked=[])
        state = msgspec.structs.replace(state, facts=bare)
    packed: dict[str, Any] = msgspec.to_builtins(state)
    facts = packed.get("f", {})
    if appointments:
        facts["ad"] = {
            key: pack_appointment(appointment)
            for key, appointment in sorted(appointments.items())
            if key == appointment.keys[0]
        }
        packed["f"] = facts
    if state.facts.far is not None:
        facts["al"] = [_short(instant) for instant in state.facts.far]
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
        facts["ap"] = " ".join(map(seconds_text, recent))
    if state.facts.earlier_days:
        facts["rd"] = " ".join(map(str, state.facts.earlier_days))
    if state.facts.services:
        days = state.facts.services
        facts["sv"] = {f"{_SERVICE}{name}": " ".join(map(str, days[name])) for name in sorted(days)}
    if state.holds:
        packed["H"] = [
            [_short(since), stage, None if until is None else _short(until)] for since, stage, until in state.holds
        ]
    if state.reached:
        packed["g"] = " ".join(state.reached)
    packed["S"] = state.schema
    return packed


def unpack(packed: Mapping[str, Any]) -> State:
    """Unpack a state of this schema version or an older one. Raises msgspec.ValidationError."""
    fields, facts = dict(packed), dict(packed.get("f", {}))
    fields["f"], fields["g"] = facts, packed.get("g", "").split()
    for name in _INSTANTS:
        if name in fields:
            fields[name] = _instant(fields[name])
    if "H" in fields:
        fields["H"] = [
            (_instant(since), stage, None if until is None else _instant(until)) for since, stage, until in fields["H"]
        ]
    facts["ap"] = [_instant(seconds) for seconds in facts.get("ap", "").split()]
    visit_days = {"rd": facts.pop("rd", ""), **facts.pop("sv", {})}
    if all(isinstance(text, str) for text in visit_days.values()):
        found = {name: [int(day) for day in text.split()] for name, text in visit_days.items()}
        facts["rd"] = found.pop("rd")
        facts["sv"] = {name.removeprefix(_SERVICE): service_days for name, service_days in found.items()}
    else:
        # A worker of an older version has applied a difference that it does not know: the ledger is needed.
        fields["S"] = SCHEMA_WITH_APPOINTMENTS
    if "e" in facts:
        facts["e"] = _instant(facts["e"])
    elif facts["ap"]:
        facts["e"] = facts["ap"][-1]
    if "E" not in fields and "e" in facts:
        fields["E"] = 2 * facts["e"]
    packed_appointments = facts.pop("ad", {})
    if "al" in facts:
        facts["al"] = [_instant(seconds) for seconds in facts["al"]]
    fields["S"] = min(fields.get("S", SCHEMA), SCHEMA)
    state = msgspec.convert(fields, State)
    for key, text in packed_appointments.items():
        state.facts.hold(unpack_appointment(key, text))
    if state.schema < SCHEMA_WITH_APPOINTMENTS and not state.facts.requests:
        # no booking can be open, and the appointments with an outcome are in the ledger
        state.schema = SCHEMA_WITH_APPOINTMENTS
        state.facts.has_forgotten = state.facts.completed + state.facts.missed + state.facts.cancelled > 0
    if state.schema == SCHEMA_WITH_APPOINTMENTS and not state.facts.completed:
        state.schema = SCHEMA  # without a visit there is no rhythm
    return state


def state_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference between two packed states, which is recorded in the history for every commit.

    It has the fields that differ, and for the facts their difference in the same form; ``-`` lists removed fields.
    Appointments, and days of visits, that only moved on are ``[number removed from the front, added …]``.
    """
    found: dict[str, Any] = {}
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if name == "f" or (name in ("ad", "sv") and before):
            found[name] = state_diff(before or {}, value)
        else:
            found[name] = _recent_diff(before, value) if before and _is_appended(name) else value
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
        if name == "f" or (name in ("ad", "sv") and name in new):
            new[name] = apply_state_diff(new.get(name), value) or {}
        elif isinstance(value, list) and _is_appended(name):
            new[name] = " ".join([*new[name].split()[value[0] :], *value[1:]])
        elif name != "-":
            new[name] = value
    return new


def _is_appended(name: str) -> bool:
    return name in _APPENDED or name.startswith(_SERVICE)


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
    twin: State = shallow(state)
    facts: Facts = shallow(state.facts)
    twin.reached, twin.facts, twin.holds = state.reached.copy(), facts, state.holds.copy()
    facts.recent, facts.tickets = facts.recent.copy(), facts.tickets.copy()
    facts.earlier_days = facts.earlier_days.copy()
    facts.appointments = facts.appointments.copy()
    facts.booked, facts.unasked = facts.booked.copy(), facts.unasked.copy()
    return twin


def _short(instant: Micros) -> int | str:
    return seconds_text(instant) if instant % SECOND else instant // SECOND


def _instant(seconds: int | str) -> Micros:
    return Micros(seconds * SECOND) if isinstance(seconds, int) else seconds_to_micros(seconds)
