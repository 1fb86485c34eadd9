"""Events: what is taken, what is refused and how that is said, and that nothing but InvalidEvent ever comes out."""

import functools
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journey.event_validation import InvalidEvent, from_fields, parse
from journey.events import EVENT_TYPES, Event, canonical, content_hash
from journey.time import Micros, to_micros
from tests.support.bad_events import BAD_EVENTS, CALL, FEEDBACK, GOOD, REFUND, REQUEST, TICKET, VISIT, BadEvent

NOW = 1_794_000_000_000_000  # November 2026


def test_the_table_is_large_and_names_each_case_once() -> None:
    assert len(BAD_EVENTS) >= 60
    assert len({bad.name for bad in BAD_EVENTS}) == len({bad.raw for bad in BAD_EVENTS}) == len(BAD_EVENTS)


@pytest.mark.parametrize("bad", BAD_EVENTS, ids=lambda bad: bad.name)
def test_a_bad_event_is_refused_by_its_field(bad: BadEvent) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse(bad.raw, now=Micros(NOW))
    invalid = caught.value
    assert invalid.field == bad.field, invalid
    assert len(invalid.problem) > 3
    assert len(invalid.value) <= 80
    json.dumps(invalid.as_dict()).encode("ascii")
    str(invalid).encode()
    assert str(invalid).isprintable()


@pytest.mark.parametrize("bad", BAD_EVENTS, ids=lambda bad: bad.name)
def test_a_bad_event_is_refused_by_its_field_when_decoded_before(bad: BadEvent) -> None:
    """The same for what came inside another message and was decoded with it."""
    try:
        fields = json.loads(bad.raw)
    except (ValueError, RecursionError):
        pytest.skip("no JSON: it cannot come this way")
    if "twice" in bad.name or "UTF-16" in bad.name:
        pytest.skip("a decoder has already dropped the duplicate")
    with pytest.raises(InvalidEvent) as caught:
        from_fields(fields, now=Micros(NOW))
    if bad.field != "(body)":
        assert caught.value.field == bad.field, caught.value
    json.dumps(caught.value.as_dict()).encode("ascii")
    str(caught.value).encode()


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good["type"])
def test_good_events_are_taken_both_ways(good: dict[str, Any]) -> None:
    event = parse(json.dumps(good), now=Micros(NOW))
    assert isinstance(event, EVENT_TYPES[good["type"]])
    assert from_fields(good, now=Micros(NOW)) == event
    assert from_fields(canonical(event)) == event
    assert canonical(from_fields(canonical(event))) == canonical(event)
    with pytest.raises(InvalidEvent):
        parse(json.dumps({**good, "surprise": 1}))


@pytest.mark.parametrize(
    ("amount", "hundredths"),
    [("49.90", 4990), (49.9, 4990), (0.1, 10), (1.1, 110), (0, 0), ("-0", 0), ("+1", 100),
     ("99999999.99", 9999999999), ("007.5", 750), (19.99, 1999), ("1.1000000", 110)],
)  # fmt: skip
def test_money_is_exact(amount: object, hundredths: int) -> None:
    for event in (parse(json.dumps({**VISIT, "amount": amount})), from_fields({**VISIT, "amount": amount})):
        assert Decimal(canonical(event)["amount"]) * 100 == hundredths
        assert canonical(event)["amount"] == f"{hundredths // 100}.{hundredths % 100:02d}"


def test_an_amount_as_a_json_number_may_have_an_exponent() -> None:
    raw = json.dumps({**VISIT, "amount": "SPLICE"}).replace('"SPLICE"', "1E+2")
    assert canonical(parse(raw))["amount"] == "100.00"


@pytest.mark.parametrize("name", ["amount", "\\u0061mount"])
def test_an_amount_with_escapes_is_read_like_any_other(name: str) -> None:
    def raw(amount: str) -> str:
        return json.dumps({**VISIT, "amount": "SPLICE"}).replace('"amount"', f'"{name}"').replace("SPLICE", amount)

    assert canonical(parse(raw("\\u0031.5")))["amount"] == "1.50"
    with pytest.raises(InvalidEvent, match="amount: "):
        parse(raw("1\\u005f000"))
    with pytest.raises(InvalidEvent, match="amount: "):
        parse(raw("1_000"))


def test_the_amount_of_an_appointment_is_optional_and_a_refund_is_negative() -> None:
    without = {key: value for key, value in VISIT.items() if key != "amount"}
    assert "amount" not in canonical(parse(json.dumps(without)))
    assert content_hash(canonical(parse(json.dumps(without)))) == content_hash(
        canonical(from_fields({**VISIT, "amount": 0}))
    )
    assert canonical(parse(json.dumps(REFUND)))["amount"] == "-49.90"


def test_an_integer_customer_is_its_decimal_text() -> None:
    assert parse(json.dumps({**CALL, "customer_id": 42})).customer == "42"
    assert content_hash(canonical(from_fields({**CALL, "customer_id": 42}))) == content_hash(
        canonical(from_fields({**CALL, "customer_id": "42"}))
    )


@pytest.mark.parametrize("number", ["5.0", "5.00", "5e0", "0.5E1", "5"])
def test_an_integral_number_is_an_integer(number: str) -> None:
    for base, field in ((CALL, "rating"), (FEEDBACK, "rating"), (CALL, "duration_seconds"), (CALL, "customer_id")):
        raw = json.dumps({**base, field: "SPLICE"}).replace('"SPLICE"', number)
        expected = canonical(from_fields({**base, field: 5}))
        assert canonical(parse(raw)) == canonical(from_fields(json.loads(raw))) == expected
        assert type(getattr(parse(raw), "rating", None)) in (int, type(None))
    assert parse(json.dumps({**CALL, "customer_id": 42.0})).customer == "42"


def test_an_amount_keeps_all_its_decimals_when_another_number_is_made_an_integer() -> None:
    raw = json.dumps({**VISIT, "customer_id": 42.0, "amount": "SPLICE"}).replace('"SPLICE"', "1.5" + "0" * 38 + "1")
    with pytest.raises(InvalidEvent, match="amount: "):
        parse(raw)


@pytest.mark.parametrize("field", ["id", "customer_id", "ticket_id"])
@pytest.mark.parametrize(("value", "shown"), [(" x", '" x"'), ("x ", '"x "'), (" " * 5, '"     "')])
def test_an_id_with_blanks_around_it_is_refused_and_shown_in_quotes(field: str, value: str, shown: str) -> None:
    fields = {**TICKET, field: value}
    with pytest.raises(InvalidEvent) as caught:
        parse(json.dumps(fields))
    assert (caught.value.field, caught.value.value) == (field, shown)
    with pytest.raises(InvalidEvent) as caught:
        from_fields(fields)
    assert (caught.value.field, caught.value.value) == (field, shown)


def test_equal_content_has_an_equal_hash_however_it_is_written() -> None:
    written = [
        {**VISIT, "amount": "49.9", "occurred_at": "2026-03-12T10:00:00+01:00"},
        {**VISIT, "amount": 49.90, "occurred_at": "2026-03-12T09:00:00.000Z", "appointment_id": None},
        dict(reversed(VISIT.items())),
    ]
    assert {content_hash(canonical(from_fields(fields))) for fields in written} == {
        content_hash(canonical(from_fields(VISIT)))
    }
    other = content_hash(canonical(from_fields({**VISIT, "amount": "49.91"})))
    assert other != content_hash(canonical(from_fields(VISIT)))


def test_five_minutes_ahead_are_forgiven() -> None:
    at = to_micros(from_fields(CALL).occurred_at)
    assert from_fields(CALL, now=Micros(at - 300_000_000)).at == at
    with pytest.raises(InvalidEvent, match="occurred_at: must be at most 5 minutes"):
        from_fields(CALL, now=Micros(at - 300_000_001))


def test_a_comment_may_have_lines_and_emoji_and_an_id_any_letter() -> None:
    assert from_fields({**FEEDBACK, "comment": "good\n👍🏽", "id": "Zoé/1 #7"}).id == "Zoé/1 #7"


def test_no_surrogate_gets_through_a_decoder_that_lets_them() -> None:
    for fields in (
        {**FEEDBACK, "comment": "a\udc80"},
        {**FEEDBACK, "id": "a\udc80"},
        {**CALL, "direction": "\udc80"},
        {**CALL, "type": "\udc80"},
        {**CALL, "occurred_at": "\udc80"},
        {**CALL, "\udc80": 1},
    ):
        with pytest.raises(InvalidEvent) as caught:
            from_fields(fields)
        str(caught.value).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({name for cls in EVENT_TYPES.values() for name in cls.__struct_fields__} | {"type", "x"})


@given(base=st.sampled_from(GOOD), changed=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3))
@example(base=CALL, changed={"duration_seconds": float("nan")})
def test_nothing_but_invalid_event_is_raised_for_any_fields(base: dict[str, Any], changed: dict[str, Any]) -> None:
    fields = {**base, **changed}
    for attempt in (lambda: from_fields(fields, now=Micros(NOW)), lambda: parse(json.dumps(fields), now=Micros(NOW))):
        _taken_or_refused(attempt)


@given(
    raw=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | json_values.map(lambda v: json.dumps(v).encode())
)
def test_nothing_but_invalid_event_is_raised_for_any_bytes(raw: bytes) -> None:
    _taken_or_refused(lambda: parse(raw, now=Micros(NOW)))
    with pytest.raises(InvalidEvent):
        parse(raw, now=Micros(NOW))


@given(base=st.sampled_from(GOOD), data=st.data())
def test_nothing_but_invalid_event_is_raised_for_damaged_events(base: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(json.dumps(base).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    _taken_or_refused(lambda: parse(bytes(raw), now=Micros(NOW)))


@pytest.mark.parametrize("depth", [100, 450, 900, 990, 2000, 100_000])
def test_depth_never_overflows(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for raw in (deep, b'{"id":' + deep + b"}", json.dumps(REQUEST).encode()[:-1] + b',"x":' + deep + b"}"):
        _taken_or_refused(functools.partial(parse, raw))
    nested: list[Any] = []
    for _ in range(min(depth, 5000)):
        nested = [nested]
    _taken_or_refused(lambda: from_fields({**CALL, "id": nested}))
    _taken_or_refused(lambda: from_fields(nested))


def _taken_or_refused(attempt: Any) -> None:
    try:
        event: Event = attempt()
    except InvalidEvent as invalid:
        str(invalid).encode()
        json.dumps(invalid.as_dict())
    else:
        assert from_fields(canonical(event)).at == event.at
        msgspec.json.encode(canonical(event))


@pytest.mark.parametrize("cls", EVENT_TYPES.values())
def test_every_amount_is_checked(cls: type[Event]) -> None:
    assert ("amount" in cls.__struct_fields__) == (cls.least_amount is not None)
