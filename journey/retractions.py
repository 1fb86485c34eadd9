"""Which retractions take effect: those that name an event of the same customer, whichever of the two arrives first."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from journey.events import EVENT_TYPES, Event, EventRetracted


class Named(Struct, frozen=True):
    """An applied event of the ledger that a retraction names: its type, and whether it is of the same customer."""

    type: str
    is_own: bool


class Sorted(Struct):
    """New events, sorted out.

    Attributes:
        effective: Events to apply, and retractions that take effect, waiting ones too that name a new event.
        refused: The reason, by id, why a retraction has no effect; it waits if the event that it names is unknown.
    """

    effective: list[Event] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def sort_out(events: Iterable[Event], named: Mapping[str, Named], waiting: Iterable[EventRetracted]) -> Sorted:
    """Sort out the new events of one customer.

    Args:
        events: The new events, deduplicated.
        named: Applied events of the ledger, by id, as far as the retractions among ``events`` name them.
        waiting: Earlier retractions of the customer whose events were unknown.
    """
    listed, found = list(events), Sorted()
    types = {event.id: event.type for event in listed}
    for event in listed:
        if type(event) is EventRetracted and (reason := _refusal(event, types, named)):
            found.refused[event.id] = reason
        else:
            found.effective.append(event)
    retraction = str(EventRetracted.__struct_config__.tag)
    found.effective += [
        each for each in waiting if each.id not in types and types.get(each.retracts, retraction) != retraction
    ]
    return found


def _refusal(event: EventRetracted, new: Mapping[str, str], named: Mapping[str, Named]) -> str | None:
    earlier = named.get(event.retracts)
    if earlier is not None and not earlier.is_own:
        return f"retracts: the event {event.retracts} is of another customer"
    type_ = new.get(event.retracts) if earlier is None else earlier.type
    if type_ is None:
        return (
            f"retracts: no event {event.retracts} of this customer is known;"
            " the retraction takes effect if the event arrives"
        )
    if type_ == event.type:
        return f"retracts: {event.retracts} is a retraction, which cannot be retracted; send the event with a new id"
    if type_ not in EVENT_TYPES:
        return f"retracts: {event.retracts} is a record of the type {type_}, which cannot be retracted"
    return None
