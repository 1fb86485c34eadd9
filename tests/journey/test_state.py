"""The packed form, and that the core gives the same bytes in any process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from journey.engine import decide
from journey.event_validation import from_fields
from journey.explain import details, explain, readable
from journey.facts import Facts
from journey.state import SCHEMA, State, pack, unpack
from journey.time import DAY, Micros, Moment, to_datetime
from tests.support.strategies import BASE, EXACT, RETENTION, RULEBOOKS, random_log

ROOT = Path(__file__).parents[2]


def all_outputs() -> str:
    """Everything that the core says of many journeys under several rulebooks, as one JSON text."""
    said = []
    for seed in range(12):
        for rulebook in RULEBOOKS.values():
            decision = decide(State(), random_log(seed, 40), rulebook, Micros(BASE + 700 * DAY))
            told = [explain(decision.state, rulebook, Micros(BASE + 710 * DAY)), details(pack(decision.state))]
            moves = msgspec.to_builtins(decision.transitions)
            said.append([pack(decision.state), moves, told, readable(pack(decision.state)), rulebook.as_json()])
    return json.dumps(said)


def test_the_same_bytes_in_any_process() -> None:
    program = "from tests.journey.test_state import all_outputs; print(all_outputs(), end='')"
    outputs = {all_outputs()}
    for seed, zone in (("0", "UTC"), ("1", "Pacific/Kiritimati"), ("4242", "America/St_Johns")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        outputs.add(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, env=environment, text=True))
    assert len(outputs) == 1
    assert len(outputs.pop()) > 50_000


def _some_state() -> State:
    return decide(State(), random_log(3, 30), RETENTION, Micros(BASE + 300 * DAY)).state


def test_a_field_of_a_later_version_is_passed_over() -> None:
    state = _some_state()
    packed = pack(state)
    later = {**packed, "S": SCHEMA + 1, "zz": {"new": [1]}, "f": {**packed["f"], "zz": 3}}
    assert pack(unpack(later)) == packed


def test_a_field_that_an_older_version_did_not_have_is_its_default() -> None:
    packed = pack(_some_state())
    for name in [name for name in packed if name not in ("S", "f")]:
        older = {key: value for key, value in packed.items() if key != name}
        assert pack(unpack(older)) == older
    assert unpack({}) == State()
    assert unpack({"S": 1, "s": "lead"}).facts == Facts()


def test_what_is_no_state_is_refused() -> None:
    for packed in ({"s": 5}, {"f": {"v": "1"}}, {"f": {"ap": "soon"}}, {"R": "1"}):
        with pytest.raises((msgspec.ValidationError, ValueError)):
            unpack(packed)


def test_instants_between_seconds_and_before_1970_survive() -> None:
    for numbers in ([-5_000_000, -1, 0, 1], [-3 * DAY - 7, -DAY + 1, -2, 5], [1_000_000], [-1]):
        instants = [Micros(number) for number in numbers]
        for last in (instants[-1], instants[-1] + 1):
            facts = Facts(recent=instants, completed=len(instants), last_event_at=Micros(last))
            for evaluated in (2 * last, 2 * last + 1):
                state = State(
                    stage="x",
                    entered_at=instants[0],
                    evaluated=Moment(evaluated),
                    deadline=Micros(last),
                    facts=facts,
                )
                assert unpack(pack(state)) == state


def test_a_long_life_stays_small() -> None:
    """A visit a week for twenty years, and a packed state of less than a kilobyte."""
    visits = [
        from_fields({"id": f"v{n}", "type": "appointment.completed", "customer_id": 1, "amount": "20",
                     "occurred_at": to_datetime(Micros(BASE + 7 * n * DAY))})
        for n in range(1040)
    ]  # fmt: skip
    state = decide(State(), visits, EXACT, Micros(BASE + 7300 * DAY)).state
    assert state.facts.completed == 1040
    assert len(json.dumps(pack(state))) < 1024
