"""Random journeys: events on a grid that hits the boundaries of 30 to 180 days, rulebooks of every kind, commands."""

import random
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from journey.engine import Command, Transition, decide
from journey.event_validation import from_fields
from journey.events import Event
from journey.presets import presets
from journey.rhythm import CompanyMedians, MedianRecords
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, to_datetime

BASE = Micros(1_600_000_000_000_000)  # where the random journeys begin
HORIZON = 420  # days

SHAPES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "call.received": st.fixed_dictionaries(
        {"duration_seconds": st.sampled_from([0, 30, 60, 60.5, 61, 600])}, optional={"rating": st.integers(1, 5)}
    ),
    "appointment.requested": st.fixed_dictionaries(
        {}, optional={"call_duration_seconds": st.sampled_from([10, 60, 61])}
    ),
    "appointment.completed": st.fixed_dictionaries(
        {"amount": st.sampled_from(["0", "0.01", "49.99", "333.33", "400.00", "999.99", "1200.00"])},
        optional={"service": st.sampled_from(["cut", "colour"])},
    ),
    "appointment.missed": st.just({}),
    "appointment.cancelled": st.just({}),
    "payment.adjusted": st.fixed_dictionaries({"amount": st.sampled_from(["-1200.00", "-0.01", "500.00"])}),
    "support_ticket.opened": st.fixed_dictionaries({"ticket_id": st.sampled_from("abc")}),
    "support_ticket.resolved": st.fixed_dictionaries({"ticket_id": st.sampled_from("abc")}),
    "feedback.received": st.fixed_dictionaries({"rating": st.integers(1, 5)}),
}
# appointments twice and missed ones and tickets often: without them nothing lapses and no risk rises
TYPES = st.sampled_from([*SHAPES, "appointment.completed", "appointment.completed", "appointment.missed"])


@st.composite
def instants(draw: st.DrawFn, first: int = 0, last: int = HORIZON) -> Micros:
    """An instant in µs: often whole days after BASE, often one microsecond off."""
    days = draw(
        st.integers(first, last)
        | st.sampled_from([d for d in (first, 30, 60, 90, 91, 180, 270, 360) if first <= d <= last])
    )
    return Micros(BASE + days * DAY + draw(st.sampled_from([0, 0, 0, 1, -1, DAY // 2])))


@st.composite
def events(draw: st.DrawFn, max_size: int = 12, first: int = 0, last: int = HORIZON) -> list[Event]:
    """Events with ids of their own, in any order."""
    made = []
    for number in range(draw(st.integers(1, max_size))):
        type_ = draw(TYPES)
        fields = {
            "type": type_,
            "id": f"{draw(st.sampled_from('xyz'))}{number}",
            "customer_id": "c",
            **draw(SHAPES[type_]),
        }
        made.append(from_fields({**fields, "occurred_at": to_datetime(draw(instants(first, last)))}))
    return made


_NUMBERS = {
    "count": ["0", "1", "2", "3"],
    "value": ["0", "100", "333.33", "1000"],
    "days": ["0", "1", "29.5", "30", "60", "90", "180"],
    "risk": ["0", "0.2", "0.3", "0.5", "0.6", "0.7"],
    "engagement": ["0.2", "0.35", "0.5", "0.6"],
    "missed_rate": ["0", "0.2", "0.5"],
    "open_tickets": ["0", "1", "2"],
    "overdue_days": ["-1", "0", "0.5", "14", "60"],
    "overdue_ratio": ["0", "0.3333", "1", "1.5", "2", "4"],
    "has_rhythm": ["0", "1"],
}
_FACTS = st.sampled_from(sorted(_NUMBERS))


@st.composite
def rules(draw: st.DrawFn, triggers: list[str]) -> dict[str, Any]:
    names = draw(st.lists(_FACTS, min_size=1, max_size=2, unique=True))
    operators = st.sampled_from([">", ">=", "<", "<=", "=="])
    conditions = {name: draw(operators) + " " + draw(st.sampled_from(_NUMBERS[name])) for name in names}
    return {"trigger": draw(st.sampled_from(triggers)), "conditions": conditions}


_weight = st.integers(0, 10_000).map(lambda parts: str(Decimal(parts) / 10_000))
scorings = st.fixed_dictionaries(
    {},
    optional={
        "risk_inactive_days": st.sampled_from([[10, 20], [30, 180], [60, 60]]),
        "risk_inactive_weights": st.lists(_weight, min_size=2, max_size=2),
        "risk_missed_rate": st.sampled_from(["0", "0.3333", "1"]),
        "risk_missed_weight": _weight,
        "risk_trend": st.sampled_from(["-1", "-0.5", "0", "0.25"]),
        "risk_open_tickets": st.integers(1, 3),
        "engagement_full_frequency": st.integers(1, 20),
        "engagement_full_value": st.sampled_from(["0.01", "33.33", "100000"]),
        "recency_days": st.sampled_from([[1, 2, 3, 4], [30, 30, 90, 400]]),
        "recency_scores": st.lists(_weight, min_size=5, max_size=5),
    },
)


@st.composite
def random_rulebooks(draw: st.DrawFn) -> Rulebook:
    """Any ladder that can be saved, with conditions on every fact and every operator."""
    retention = st.sampled_from([None, None, None, 20, 60])
    growth = ["appointment_completed", "appointment_count", "lifetime_value", "call_received"]
    lapse = ["days_since_last_appointment", "risk_score", "overdue_days", "overdue_ratio"]
    stages: list[dict[str, Any]] = [{"stage_key": "g0", "kind": "growth", "retention_days": draw(retention)}]
    for number in range(1, draw(st.integers(2, 4))):
        found = draw(st.lists(rules(growth), min_size=1, max_size=2))
        stage = {"stage_key": f"g{number}", "kind": "growth", "auto_transition_rules": found}
        stages.append({**stage, "retention_days": draw(retention)})
    for number in range(draw(st.integers(0, 3))):
        found = draw(st.lists(rules(lapse), min_size=1, max_size=2))
        stages.append({"stage_key": f"l{number}", "kind": "lapse", "auto_transition_rules": found})
    medians = draw(
        st.lists(st.builds(CompanyMedians, instants(0, HORIZON), st.none() | st.integers(1, 90)), max_size=2)
    )
    rulebook = rulebook_from({"stages": stages, "scoring": draw(st.just({}) | scorings)})
    return rulebook.with_medians(MedianRecords(medians))


def _book(*stages: tuple[str, str, Any, int | None]) -> Rulebook:
    names = ("stage_key", "kind", "auto_transition_rules", "retention_days")
    return rulebook_from([dict(zip(names, stage, strict=True)) for stage in stages])


def _rule(trigger: str, **conditions: str) -> dict[str, Any]:
    return {"trigger": trigger, "conditions": conditions}


RETENTION = _book(
    ("new", "growth", None, 20),
    ("buyer", "growth", _rule("appointment_completed"), 45),
    ("loyal", "growth", _rule("appointment_count", count=">=2"), None),
    ("quiet", "lapse", _rule("days_since_last_appointment", days=">90"), None),
    ("gone", "lapse", _rule("days_since_last_appointment", days=">=180"), None),
)
EXACT = _book(
    ("new", "growth", None, None),
    ("once", "growth", _rule("appointment_count", count="==1"), None),
    ("keen", "growth", _rule("appointment_count", count=">=2", engagement=">=0.6"), None),
    ("settled", "growth", _rule("appointment_count", count=">=2", days=">=30", missed_rate="<=0.2"), None),
    ("shaky", "lapse", [_rule("days_since_last_appointment", days="==50"), _rule("risk_score", risk=">=0.5")], None),
    ("cold", "lapse", _rule("risk_score", engagement="<0.4", missed_rate=">0.3"), None),
    ("gone", "lapse", _rule("days_since_last_appointment", days=">=120", open_tickets="<1"), None),
)
RHYTHM = rulebook_from(next(preset.stages for preset in presets() if preset.key == "rhythm")).with_medians(
    MedianRecords([CompanyMedians(BASE, 20.0), CompanyMedians(Micros(BASE + 100 * DAY), 35.5)])
)
RULEBOOKS = {"default": DEFAULT_RULEBOOK, "retention": RETENTION, "exact": EXACT, "rhythm": RHYTHM}
rulebooks = st.sampled_from(list(RULEBOOKS.values())) | random_rulebooks()


@st.composite
def commands(draw: st.DrawFn, rulebook: Rulebook, now: Micros) -> Command:
    """A manual stage with or without a hold, a release, or an evaluation."""
    kind = draw(st.sampled_from(["set_stage", "set_stage", "release", "evaluate"]))
    if kind != "set_stage":
        return Command(kind=kind)
    until = draw(st.none() | st.integers(-1, 200).map(lambda days: Micros(now + days * DAY + DAY // 2)))
    stage = draw(st.sampled_from([stage.key for stage in rulebook.stages]))
    return Command(kind=kind, stage=stage, reason="asked", hold=draw(st.booleans()), hold_until=until, performed_by=7)


def random_log(seed: int, size: int) -> list[Event]:
    """Events of all kinds on few instants, many at the very same one; the same for the same seed in any process."""
    chance, made = random.Random(seed), []
    for number in range(size):
        type_, fields = chance.choice(_LIVELY)
        at = BASE + chance.choice([0, 30, 60, 90, 91, 180, 270, 500, 680]) * DAY + chance.choice([0, 1, DAY // 3])
        fields = {"type": type_, "id": f"e{number}", "customer_id": 1, "occurred_at": to_datetime(Micros(at)), **fields}
        made.append(from_fields(fields))
    return made


_LIVELY: list[tuple[str, dict[str, Any]]] = [
    ("appointment.completed", {"amount": "10.10"}),
    ("appointment.completed", {"amount": "400"}),
    ("appointment.completed", {}),
    ("appointment.missed", {}),
    ("payment.adjusted", {"amount": "-30.05"}),
    ("call.received", {"duration_seconds": 61.5, "rating": 3}),
    ("support_ticket.opened", {"ticket_id": "a"}),
    ("support_ticket.opened", {"ticket_id": "b"}),
    ("support_ticket.resolved", {"ticket_id": "a"}),
    ("feedback.received", {"rating": 2}),
]


def live(state: State, history: list[Event], rulebook: Rulebook, end: Micros) -> tuple[State, list[Transition]]:
    """Event by event as they occur, with every deadline fired in between, the way that a workflow lives it."""
    moves: list[Transition] = []

    def fire_until(instant: Micros) -> None:
        nonlocal state
        fired = 0
        while state.deadline is not None and state.deadline < instant:
            decision = decide(state, [], rulebook, Micros(state.deadline + 1))
            assert decision.state != state, "a deadline that changes nothing would fire forever"
            state = decision.state
            moves.extend(decision.transitions)
            fired += 1
            assert fired < 200

    for event in sorted(history, key=lambda event: (event.at, event.id)):
        fire_until(event.at)
        decision = decide(state, [event], rulebook, event.at)
        state = decision.state
        moves.extend(decision.transitions)
    fire_until(end)
    decision = decide(state, [], rulebook, end)
    return decision.state, moves + decision.transitions
