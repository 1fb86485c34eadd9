"""Split one customer's events into signals of bounded size; every sender of events uses it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

#: Bytes of events in one signal, as the JSON converter writes them: in ASCII, six bytes for a letter like “Ü”.
#: Temporal takes 2 MB, and its SDK warns from 512 KB on.
SIGNAL_BYTES = 450_000
SIGNAL_EVENTS = 1_000

_encode = msgspec.json.Encoder().encode


def event_batches(events: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Split one customer's events (JSON objects), in order, into as few signals as number and size allow.

    An event that alone exceeds the size is a batch of its own; no valid event is that large.
    """
    if len(events) == 1:
        yield [*events]
        return
    batch: list[dict[str, Any]] = []
    size = 0
    for event in events:
        encoded = _encode(event)
        length = len(encoded) if encoded.isascii() else len(json.dumps(event))
        if batch and (size + length > SIGNAL_BYTES or len(batch) >= SIGNAL_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
