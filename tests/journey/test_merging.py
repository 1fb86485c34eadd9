"""Merging two customers in the core: their profiles, and journeys that lived apart."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.channels.registry import CHANNELS
from journey.contributions import Contribution
from journey.decisions import decide
from journey.events import Event
from journey.merging import MERGED, merge_journeys, merge_profiles
from journey.refold import COMPARED_FACTS, contributions, refold_facts
from journey.refold import LedgerRecord as Record
from journey.stages import DEFAULT_RULEBOOK
from journey.state import State, pack, unpack
from journey.time import DAY, Micros
from tests.support.appointment_lives import booked_events, corrected_events
from tests.support.strategies import BASE

SPECS = [channel.spec for channel in CHANNELS.values()]


def sums(parts: Iterable[Contribution]) -> dict[tuple[Micros, str], int]:
    counted = Counter[tuple[Micros, str]]()
    for part in parts:
        for name, number in zip(Contribution._fields[1:], part[1:], strict=True):
            counted[part.at, name] += number
    return {key: number for key, number in counted.items() if number}


@given(
    history=booked_events() | corrected_events(),
    data=st.data(),
    days=st.integers(310, 700),
)
def test_a_merged_life_is_one_that_was_never_apart(history: list[Event], data: st.DataObject, days: int) -> None:
    now = Micros(BASE + days * DAY)
    sides = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    mine = [event for event, is_mine in zip(history, sides, strict=True) if is_mine]
    theirs = [event for event, is_mine in zip(history, sides, strict=True) if not is_mine]
    one, other = (decide(State(), events, DEFAULT_RULEBOOK, now).state for events in (mine, theirs))
    if one.stage is None or other.stage is None:
        return
    before = pack(one)
    merged = merge_journeys(unpack(before), mine, other, theirs, [], DEFAULT_RULEBOOK, now)
    together = decide(State(), history, DEFAULT_RULEBOOK, now).state
    state = merged.decision.state
    assert pack(one) == before
    assert state.stage == together.stage
    expected = refold_facts(Record(0, event) for event in history)
    assert {name: getattr(state.facts, name) for name in COMPARED_FACTS} == {
        name: getattr(expected, name) for name in COMPARED_FACTS
    }
    assert sums([*contributions(mine), *contributions(theirs), *merged.contributions]) == sums(contributions(history))
    moves = merged.decision.transitions
    assert [move.trigger_event for move in moves] == ([MERGED] if one.stage != state.stage else [])
    assert unpack(pack(state)) == state
    later = Micros(now + 400 * DAY)
    assert (
        decide(state, (), DEFAULT_RULEBOOK, later, history=history).state.stage
        == decide(together, (), DEFAULT_RULEBOOK, later, history=history).state.stage
    )


ADA = {"name": "Ada", "email": "ada@example.com", "consent": {"email": True}}


@pytest.mark.parametrize(
    ("into", "other", "fields", "consent"),
    [
        # what is missing comes from the other one, and the consent with its address
        ({"name": "Ada"}, ADA, {"name": "Ada", "email": "ada@example.com"}, {"email": True}),
        # a consent to another address does not count for this one
        ({"email": "a@x.example"}, ADA, {"name": "Ada", "email": "a@x.example"}, {}),
        # the same mailbox in another form
        ({"email": "ADA@example.com"}, ADA, {"name": "Ada", "email": "ADA@example.com"}, {"email": True}),
        # a "no" of either wins, whatever the address
        (ADA, {"email": "b@x.example", "consent": {"email": False}}, ADA, {"email": False}),
        ({"email": "a@x.example", "consent": {"email": False}}, ADA, {"email": "a@x.example"}, {"email": False}),
        # no record is no "no"
        (ADA, {"email": "ada@example.com"}, ADA, {"email": True}),
        ({**ADA, "consent": {}}, {"phone": "+49 30 1234567", "consent": {"sms": True}}, ADA, {"sms": True}),
        # an answer that was recorded before there was an address is not one about the address that comes
        ({"consent": {"email": True}}, {"email": "b@x.example"}, {"email": "b@x.example"}, {}),
    ],
)
def test_profiles(
    into: dict[str, Any], other: dict[str, Any], fields: dict[str, Any], consent: dict[str, bool]
) -> None:
    merged = merge_profiles(into, other, SPECS)
    assert merged.fields["consent"] == consent
    for name in ("name", "email"):
        if name in fields:
            assert merged.fields[name] == fields[name]
    assert merged.taken == [name for name in ("name", "email", "phone") if other.get(name) and not into.get(name)]
    changed = {channel: merged.fields["consent"].get(channel) for channel in merged.consent}
    assert changed == merged.consent
