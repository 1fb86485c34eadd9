"""What would happen to a journey: the same as if it happened, with nothing changed."""

from hypothesis import given
from hypothesis import strategies as st

from journey.decisions import decide
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK, Rulebook
from journey.state import State, pack
from journey.time import DAY, Micros
from journey.what_if import course, what_if
from tests.support import strategies as some
from tests.support.lived_journey import event
from tests.support.strategies import BASE, HORIZON, live

NOW = Micros(BASE + 200 * DAY)


@given(data=st.data(), rulebook=some.rulebooks, days=st.integers(0, 400))
def test_the_course_equals_the_life(data: st.DataObject, rulebook: Rulebook, days: int) -> None:
    history: list[Event] = data.draw(some.events(6, last=199))
    assumed: list[Event] = data.draw(some.events(4, first=202, last=HORIZON))
    until = Micros(max([NOW + days * DAY, *(each.at for each in assumed)]))
    begun = decide(State(), history, rulebook, NOW).state
    before = pack(begun)
    found = course(begun, history, [], assumed, rulebook, NOW, until)
    lived, moves = live(begun, assumed, rulebook, until)
    assert (found.state, found.transitions) == (lived, moves)
    assert pack(begun) == before


def test_in_a_year_with_a_visit_and_without() -> None:
    history = [event("v-1", 190, amount="400.00")]
    state = decide(State(), history, DEFAULT_RULEBOOK, NOW).state
    visit = event("w", 201, amount="700.00")
    found = what_if(state, history, [], [visit], DEFAULT_RULEBOOK, NOW, Micros(NOW + 20 * DAY))
    moves = [(move["from_stage"], move["to_stage"]) for move in found["with"]["transitions"]]
    assert moves == [("customer", "vip")]
    assert found["with"]["after"]["facts"]["lifetime_value"] == "1100.00"
    assert {action["stage_key"] for action in found["with"]["actions"]} == {"vip"}
    assert found["without"]["transitions"] == []
    assert found["without"]["after"]["current_stage"] == "customer"
    alone = what_if(state, history, [], [], DEFAULT_RULEBOOK, NOW, Micros(NOW + 365 * DAY))
    assert [move["to_stage"] for move in alone["with"]["transitions"]] == ["at_risk", "churned"]
    assert {action["stage_key"] for action in alone["with"]["actions"]} == {"at_risk"}  # nothing more when lost


def test_an_assumed_visit_after_a_retraction_needs_the_history() -> None:
    taken_back = event("r", 195, "event.retracted", retracts="v-1")
    history = [event("v-1", 190, amount="400.00"), event("v-2", 191, amount="1.00"), taken_back]
    state = decide(State(), history, DEFAULT_RULEBOOK, NOW).state
    found = course(
        state, history, [], [event("w", 201, amount="2.00")], DEFAULT_RULEBOOK, NOW, Micros(BASE + 202 * DAY)
    )
    assert (found.state.facts.completed, found.state.facts.value) == (2, 300)
