"""Two customers who are one person: what becomes of their profiles and of their journeys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from journey.channels import ChannelSpec
from journey.contributions import Contribution, difference
from journey.decisions import decide
from journey.engine import Decision
from journey.events import Event
from journey.mailboxes import normalized_address
from journey.refold import ManualMove, contributions, correct
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros

#: The ``trigger_event`` of the transition, and the type of the ledger's record of a merge.
MERGED = "customers_merged"
RECORD_TYPE = "customers.merged"

_TEXTS = ("name", "email", "phone", "time_zone", "locale")


class MergedProfile(Struct, frozen=True):
    """The profile of the customer who remains.

    Attributes:
        fields: All of it, as profiles are stored.
        taken: The names of the fields that the other customer's profile filled.
        consent: What the merge changes in consents, by channel: None if there is no record any more.
    """

    fields: dict[str, Any]
    taken: list[str] = field(default_factory=list)
    consent: dict[str, bool | None] = field(default_factory=dict)


class MergedJourneys(Struct, frozen=True):
    """The decision on a journey that another one ended in, and what the merge itself adds to figures."""

    decision: Decision
    contributions: list[Contribution]


def merge_profiles(into: Mapping[str, Any], other: Mapping[str, Any], channels: Iterable[ChannelSpec]) -> MergedProfile:
    """Complete one customer's profile by another's.

    What ``into`` lacks comes from the other customer. A recorded "no" of either of them wins. A "yes" belongs to the
    address for which it was given: it is kept only if the merged profile has this address.

    Args:
        into: The profile of the customer who remains: texts or None, and ``consent`` by channel.
        other: That of the other customer.
        channels: The channels, which say in which field their addresses are.
    """
    fields = {name: into.get(name) or other.get(name) for name in _TEXTS}
    taken = [name for name in _TEXTS if fields[name] and not into.get(name)]
    before: Mapping[str, bool] = into.get("consent") or {}
    others: Mapping[str, bool] = other.get("consent") or {}
    address_fields = {channel.name: channel.address_field for channel in channels}
    consent: dict[str, bool] = {}
    for channel in sorted({*before, *others}):
        address = fields.get(address_fields.get(channel) or "")
        given = [
            recorded[channel]
            for profile, recorded in ((into, before), (other, others))
            if channel in recorded and (not recorded[channel] or _has(profile, address_fields.get(channel), address))
        ]
        if given:
            consent[channel] = all(given)
    changes = {
        channel: consent.get(channel)
        for channel in sorted({*before, *others})
        if consent.get(channel) != before.get(channel)
    }
    return MergedProfile({**fields, "consent": consent}, taken, changes)


def merge_journeys(
    state: State,
    events: Sequence[Event],
    other: State,
    other_events: Sequence[Event],
    manual: Iterable[ManualMove],
    rulebook: Rulebook,
    now: Micros,
) -> MergedJourneys:
    """Lead a journey where it belongs by the events of both customers.

    Args:
        state: The journey's state; it is not modified.
        events: All events that it has applied, in this order.
        other: The state of the journey that ends.
        other_events: All events that this one has applied.
        manual: The manual moves of both.
        rulebook: The company's rules.
        now: The time of the merge.
    """
    current = decide(state, (), rulebook, now, history=events)
    together = [*other_events, *events]
    asked = {**other.facts.appointments, **current.state.facts.appointments}
    facts = msgspec.structs.replace(current.state.facts, appointments=asked)
    base = msgspec.structs.replace(current.state, facts=facts)
    corrected = correct(base, together, manual, rulebook, now, MERGED)
    decision = Decision(
        corrected.state,
        [*current.transitions, *corrected.transitions],
        [*current.actions, *corrected.actions],
        [*current.unanswered, *corrected.unanswered],
        [*current.answered, *corrected.answered],
    )
    separate = [*contributions(other_events), *contributions(events)]
    return MergedJourneys(decision, difference(separate, contributions(together)))


def _has(profile: Mapping[str, Any], field_name: str | None, address: str | None) -> bool:
    """Whether a profile's address on a channel is the given one, if there is one."""
    if field_name is None or address is None:
        return True
    own = profile.get(field_name)
    return bool(own) and (own == address or normalized_address(own) == normalized_address(address))
