"""Logs as files: every form gives the same events, and every bad line its number and reason."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from cli.events.event_log_file import Line, UnreadableLog, read_log
from journey.events import Event, InvalidEvent, from_fields
from tests.support.bad_events import BAD_EVENTS, CALL, FEEDBACK, GOOD, VISIT

EVENTS = [from_fields({**good, "id": f"e{number}"}) for number, good in enumerate(GOOD)]


def jsonl() -> bytes:
    return b"".join(json.dumps({**good, "id": f"e{n}"}).encode() + b"\n" for n, good in enumerate(GOOD))


def comma_separated() -> bytes:
    columns = sorted({name for good in GOOD for name in good})
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({**good, "id": f"e{n}"} for n, good in enumerate(GOOD))
    return text.getvalue().encode()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def events(lines: list[Line]) -> list[Event]:
    assert not [event for _, _, event in lines if isinstance(event, InvalidEvent)]
    return [event for _, _, event in lines if isinstance(event, Event)]


def test_every_form_gives_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {
        "a.jsonl": jsonl(),
        "b.jsonl.gz": gzip.compress(jsonl()),
        "c.csv": comma_separated(),
        "d.csv.gz": gzip.compress(comma_separated()),
        "e.csv": b"\xef\xbb\xbf" + comma_separated(),
        "f.jsonl": b"\xef\xbb\xbf" + jsonl().replace(b"\n", b"\r\n\r\n").removesuffix(b"\n"),
        "unpacked.jsonl.gz": jsonl(),
        "packed.jsonl": gzip.compress(jsonl()[:100]) + gzip.compress(jsonl()[100:]),
    }
    for name, content in forms.items():
        assert events(list(read_log(write(tmp_path, name, content)))) == EVENTS, name
        stdin = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert events(list(read_log("-"))) == EVENTS, f"{name} through a pipe"
        assert not stdin.closed


def test_numbers_and_raw_lines(tmp_path: Path) -> None:
    lines = list(read_log(write(tmp_path, "a.jsonl", b"\n  \n" + jsonl())))
    assert [number for number, _, _ in lines] == list(range(3, len(GOOD) + 3))
    assert b"".join(raw for _, raw, _ in lines if isinstance(raw, bytes)) == jsonl()
    number, raw, _ = next(read_log(write(tmp_path, "a.csv", comma_separated())))
    assert number == 2
    assert raw == {**{name: str(value) for name, value in CALL.items()}, "id": "e0"}


def test_bad_lines_stand_between_good_ones(tmp_path: Path) -> None:
    bad = [bad for bad in BAD_EVENTS if b"\n" not in bad.raw and bad.raw.strip() and "future" not in bad.name]
    good = json.dumps(CALL).encode()
    content = b"".join(good + b"\n" + each.raw + b"\n" for each in bad)
    lines = list(read_log(write(tmp_path, "a.jsonl", content)))
    assert [number for number, _, _ in lines] == list(range(1, 2 * len(bad) + 1))
    for (_, _, fine), (_, raw, refused), each in zip(lines[::2], lines[1::2], bad, strict=True):
        assert isinstance(fine, Event)
        assert isinstance(refused, InvalidEvent), each.name
        assert (refused.field, raw) == (each.field, each.raw + b"\n")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (b"e1,call.received,1,2026-01-01T00:00:00Z,ninety,,", "duration_seconds"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z,nan,,", "duration_seconds"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z,1e3,,", "duration_seconds"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z,,,", "duration_seconds"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z,90,1.00,", "amount"),
        (b"e1,appointment.completed,1,2026-01-01T00:00:00Z,,1.005,", "amount"),
        (b"e1,feedback.received,1,2026-01-01T00:00:00Z,,,", "rating"),
        (b"e1,call.received,,2026-01-01T00:00:00Z,90,,", "customer_id"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z", "duration_seconds"),
        (b"e\xff,call.received,1,2026-01-01T00:00:00Z,90,,", "id"),
        (b"e1,call.received,1,2026-01-01T00:00:00Z,90,,,,surplus", "(body)"),
        (b'e1,"call.received"x,1,2026-01-01T00:00:00Z,90,,', "(body)"),
    ],
)
def test_bad_rows_stand_between_good_ones(tmp_path: Path, row: bytes, field: str) -> None:
    header = b"id,type,customer_id,occurred_at,duration_seconds,amount,rating\n"
    fine = b"g,appointment.completed,1,2026-01-01T00:00:00Z,,5.00,\n"
    lines = list(read_log(write(tmp_path, "a.csv", header + fine + row + b"\n" + fine)))
    first, refused, last = (event for _, _, event in lines)
    assert isinstance(refused, InvalidEvent)
    assert refused.field == field
    assert first == last == from_fields({**VISIT, "id": "g", "customer_id": "1", "amount": "5",
                                         "occurred_at": "2026-01-01T00:00:00Z"})  # fmt: skip
    assert [number for number, _, _ in lines] == [2, 3, 4]


def test_a_cell_may_hold_lines_commas_and_quotes(tmp_path: Path) -> None:
    comment = 'first, "second"\nthird 👍'
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(FEEDBACK | {"comment": ""})
    writer.writerow((FEEDBACK | {"comment": comment}).values())
    ((number, _, event),) = read_log(write(tmp_path, "a.csv", text.getvalue().encode()))
    assert (number, event) == (3, from_fields({**FEEDBACK, "comment": comment}))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "must name the columns"),
        ("a.csv", b"a,b,c\n1,2,3\n", "must name the columns"),
        ("a.csv", b"id,type,customer_id,id\n", "'id' stands twice"),
        ("a.csv", b'id,"type"x,customer_id\n', "no CSV"),
        ("a.jsonl.gz", gzip.compress(jsonl())[:-30], "ended before"),
        ("a.jsonl.gz", gzip.compress(jsonl())[:20] + b"\xff" * 90, "a.jsonl.gz: "),
    ],
)
def test_what_cannot_be_read_at_all(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableLog, match=reason):
        list(read_log(write(tmp_path, name, content)))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "directory")):
        with pytest.raises(UnreadableLog, match=reason):
            list(read_log(path))
    assert list(read_log(write(tmp_path, "empty.jsonl", b""))) == []


def test_now_refuses_the_future(tmp_path: Path) -> None:
    (line,) = read_log(write(tmp_path, "a.jsonl", json.dumps(CALL).encode()), now=0)
    assert isinstance(line[2], InvalidEvent)
    assert line[2].field == "occurred_at"
