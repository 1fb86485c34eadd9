"""Messages that the gateway would never send, by what is wrong with them: (name, arguments) each."""

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue


def raw(data: bytes, encoding: bytes = b"json/plain") -> RawValue:
    """An argument as any client could put it on the wire."""
    return RawValue(Payload(metadata={"encoding": encoding}, data=data))


SIGNALS: dict[str, tuple[str, Sequence[Any]]] = {
    "an unknown name": ("no_such_signal", [{"a": 1}]),
    "an unknown name without arguments": ("no_such_signal", []),
    "an empty name's neighbour": (" ", []),
    "events without arguments": ("events", []),
    "events that are no list": ("events", [5]),
    "events that are null": ("events", [None]),
    "events of nothing understood": ("events", [[None, 5, "x", [], {}]]),
    "events with too many arguments": ("events", [[{"id": "x"}], "until", 3, {}]),
    "a list within a list": ("events", [[[[[]]]]]),
    "the name of an update": ("set_stage", [{"stage": "vip", "reason": "because"}]),
    "the name of an update, no arguments": ("set_stage", []),
    "the name of the other update": ("release", [{}]),
    "no JSON": ("events", [raw(b"{not json")]),
    "no text": ("events", [raw(b"\xff\xfe\x00\x80")]),
    "binary": ("events", [raw(b"\x00\x01\x02", b"binary/plain")]),
    "protobuf": ("events", [raw(b"\x0a\x03abc", b"binary/protobuf")]),
    "an encoding that nobody knows": ("events", [raw(b"[]x", b"nobody/knows")]),
    "a lone surrogate": ("events", [raw(b'[{"id":"\\ud800"}]')]),
    "a NUL in it": ("events", [raw(b'[{"id":"a\\u0000b"}]')]),
    "a NUL between": ("events", [raw(b"\x00")]),
    "a name with a NUL's neighbour": ("a\x01b", []),
    "a number beyond all": ("events", [raw(b"[" + b"9" * 400 + b"]")]),
    "nested too deep": ("events", [raw(b"[" * 5000 + b"]" * 5000)]),
    "NaN": ("events", [raw(b'[{"id":"n","amount":NaN}]')]),
    "a million characters": ("events", [raw(b'"' + b"x" * 1_000_000 + b'"')]),
}


UPDATES: dict[str, tuple[str, Sequence[Any]]] = {
    "no such update": ("no_such_update", [{}]),
    "no arguments": ("set_stage", []),
    "release without arguments": ("release", []),
    "too many arguments": ("set_stage", [{"stage": "vip", "reason": "r"}, 5]),
    "release with too many arguments": ("release", [{}, 5]),
    "null": ("set_stage", [None]),
    "release of null": ("release", [None]),
    "no object": ("set_stage", [5]),
    "binary": ("set_stage", [raw(b"\x00\x01", b"binary/plain")]),
    "release of binary": ("release", [raw(b"\x00\x01", b"binary/plain")]),
    "no JSON": ("set_stage", [raw(b"{")]),
    "no stage": ("set_stage", [{"reason": "r"}]),
    "a number for a stage": ("set_stage", [{"stage": 5, "reason": "r"}]),
    "an unknown stage": ("set_stage", [{"stage": "nowhere", "reason": "r"}]),
    "an empty reason": ("set_stage", [{"stage": "vip", "reason": ""}]),
    "a blank reason": ("set_stage", [{"stage": "vip", "reason": " \t\n"}]),
    "a reason too long": ("set_stage", [{"stage": "vip", "reason": "x" * 1001}]),
    "a reason with a lone surrogate": ("set_stage", [raw(b'{"stage":"vip","reason":"a\\ud800"}')]),
    "a stage with a lone surrogate": ("set_stage", [raw(b'{"stage":"\\ud800","reason":"a"}')]),
    "a reason with a NUL": ("set_stage", [raw(b'{"stage":"vip","reason":"a\\u0000b"}')]),
    "a hold until yesterday": ("set_stage", [{"stage": "vip", "reason": "r", "hold_until": "2020-01-01T00:00:00Z"}]),
    "a hold until no instant": ("set_stage", [{"stage": "vip", "reason": "r", "hold_until": "soon"}]),
    "a hold until a naive time": ("set_stage", [{"stage": "vip", "reason": "r", "hold_until": "2120-01-01T00:00:00"}]),
    "a hold until after the last year": (
        "set_stage",
        [{"stage": "vip", "reason": "r", "hold_until": "9999-12-31T23:59:59-12:00"}],
    ),
    "a hold until no text": ("set_stage", [{"stage": "vip", "reason": "r", "hold_until": 5}]),
    "a credential beyond all numbers": ("set_stage", [{"stage": "vip", "reason": "r", "performed_by": 10**30}]),
    "an invalid credential": ("set_stage", [{"stage": "vip", "reason": "r", "performed_by": "me"}]),
    "a credential below zero": ("set_stage", [{"stage": "vip", "reason": "r", "performed_by": -(10**18) * 10}]),
}


def size(arguments: Sequence[Any]) -> int:
    """Return approximately how many bytes the arguments take."""
    return sum(len(a.payload.data) if isinstance(a, RawValue) else len(str(a)) for a in arguments)
