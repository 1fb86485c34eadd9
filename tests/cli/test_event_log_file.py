"""Event logs as files: every form gives the same events, and every physical line is accounted for."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli.events.event_log_file import Line, read_log
from cli.events.file_checks import UnreadableLog
from journey.event_validation import from_fields
from journey.events import Event
from journey.time import EPOCH_MICROS
from tests.support.bad_events import BAD_EVENTS, CALL, FEEDBACK, GOOD, VISIT

EVENTS = [from_fields({**good, "id": f"e{number}"}) for number, good in enumerate(GOOD)]
HEADER = "id,type,customer_id,occurred_at,duration_seconds,amount,rating,comment\n"
ROW = "e{n},appointment.completed,{customer},2026-01-01T00:00:00Z,,5.00,,\n"


def jsonl() -> bytes:
    return b"".join(json.dumps({**good, "id": f"e{n}"}).encode() + b"\n" for n, good in enumerate(GOOD))


def comma_separated(delimiter: str = ",") -> bytes:
    columns = sorted({name for good in GOOD for name in good})
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**good, "id": f"e{n}"} for n, good in enumerate(GOOD))
    return text.getvalue().encode()


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: bytes | str, name: str = "a.csv") -> list[Line]:
    return list(read_log(write(folder, name, content)))


def events(lines: list[Line]) -> list[Event]:
    assert not [line for line in lines if line.kind == "rejected"]
    return [line.event for line in lines if line.event is not None]


def errors(line: Line) -> dict[str, str]:
    """What is said of each field."""
    assert line.kind == "rejected"
    return {error.field: error.problem for error in line.errors}


def test_every_form_gives_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv_text = comma_separated().decode()
    forms = {
        "a.jsonl": jsonl(),
        "b.jsonl.gz": gzip.compress(jsonl()),
        "c.csv": comma_separated(),
        "d.csv.gz": gzip.compress(comma_separated()),
        "e.csv": b"\xef\xbb\xbf" + comma_separated(),
        "f.jsonl": b"\xef\xbb\xbf" + jsonl().replace(b"\n", b"\r\n\r\n").removesuffix(b"\n"),
        "unpacked.jsonl.gz": jsonl(),
        "packed.jsonl": gzip.compress(jsonl()[:100]) + gzip.compress(jsonl()[100:]),
        "semicolon.csv": comma_separated(";"),
        "tab.tsv": comma_separated("\t"),
        "pipe.txt": comma_separated("|"),
        "named.csv": b"sep=;\r\n" + comma_separated(";"),
        "utf16.csv": csv_text.encode("utf-16"),
        "utf16.jsonl": jsonl().decode().encode("utf-16"),
        "no-mark-le.csv": csv_text.encode("utf-16-le"),
        "no-mark-be.csv": csv_text.encode("utf-16-be"),
        "no-mark.jsonl": jsonl().decode().encode("utf-16-le"),
        "blank-first.csv": b"\r\n\r\n" + comma_separated(),
        "trailing.csv": b"".join(line + b",,\r\n" for line in comma_separated().splitlines()),
        "blank-rows.csv": comma_separated() + b",,,,\r\n\r\n",
        "json-in-a.csv": jsonl(),
    }
    for name, content in forms.items():
        assert events(read(tmp_path, content, name)) == EVENTS, name
        stdin = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert events(list(read_log("-"))) == EVENTS, f"{name} through a pipe"
        assert not stdin.closed


def test_a_quote_that_is_never_closed_costs_its_line_alone(tmp_path: Path) -> None:
    rows = [ROW.format(n=n, customer=n) for n in range(1, 6)]
    rows[1] = '4,feedback.received,4,2026-01-01T00:00:00Z,,,4,"nice haircut\n'
    lines = read(tmp_path, HEADER + "".join(rows))
    assert [line.kind for line in lines] == ["header", "event", "rejected", "event", "event", "event"]
    assert (lines[2].line, lines[2].raw) == (3, rows[1].strip())
    assert errors(lines[2]) == {"(line)": "a quoted field that begins here is never closed"}


def test_numbers_of_lines(tmp_path: Path) -> None:
    lines = read(tmp_path, b"\n  \n" + jsonl(), "a.jsonl")
    assert [(line.kind, line.line) for line in lines[:3]] == [("ignored", 1), ("ignored", 2), ("event", 3)]
    comment = 'first, "second"\nthird 👍'
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*FEEDBACK, "comment"])
    writer.writerow([*FEEDBACK.values(), comment])
    header, event = read(tmp_path, text.getvalue())
    assert (header.kind, event.line, event.lines) == ("header", 2, 2)
    assert event.event == from_fields({**FEEDBACK, "comment": comment})


def test_bad_lines_stand_between_good_ones(tmp_path: Path) -> None:
    bad = [bad for bad in BAD_EVENTS if b"\n" not in bad.raw and bad.raw.strip() and "future" not in bad.name]
    # the values of a file are trimmed
    bad = [each for each in bad if each.name not in ("customer has a line break at its end", "amount has blanks")]
    good = json.dumps(CALL).encode()
    content = b"".join(good + b"\n" + each.raw + b"\n" for each in bad)
    lines = read(tmp_path, content, "a.jsonl")
    assert [line.line for line in lines] == list(range(1, 2 * len(bad) + 1))
    for fine, refused, each in zip(lines[::2], lines[1::2], bad, strict=True):
        assert fine.event is not None
        assert refused.kind == "rejected", each.name
        assert refused.errors[0].field == each.field, each.name


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("e1,call.received,1,2026-01-01T00:00:00Z,ninety,,", "duration_seconds"),
        ("e1,call.received,1,2026-01-01T00:00:00Z,nan,,", "duration_seconds"),
        ("e1,call.received,1,2026-01-01T00:00:00Z,1e3,,", "duration_seconds"),
        ("e1,call.received,1,2026-01-01T00:00:00Z,,,", "duration_seconds"),
        ("e1,call.received,1,2026-01-01T00:00:00Z,90,1.00,", "amount"),
        ("e1,appointment.completed,1,2026-01-01T00:00:00Z,,1.005,", "amount"),
        ("e1,feedback.received,1,2026-01-01T00:00:00Z,,,", "rating"),
        ("e1,feedback.received,1,2026-01-01T00:00:00Z,,,4.5", "rating"),
        ("e1,call.received,,2026-01-01T00:00:00Z,90,,", "customer_id"),
        ("e1,call.received,NULL,2026-01-01T00:00:00Z,90,,", "customer_id"),
        ("e1,call.received,nan,2026-01-01T00:00:00Z,90,,", "customer_id"),
        ("e1,call.received,N/A,2026-01-01T00:00:00Z,90,,", "customer_id"),
        ("null,call.received,1,2026-01-01T00:00:00Z,90,,", "id"),
        ("e1,call.received,1,2026-01-01T00:00:00Z", "duration_seconds"),
        ("e1,call.received,1,2026-01-01T00:00:00Z,90,,,,surplus", "(line)"),
        ('e1,"call.received"x,1,2026-01-01T00:00:00Z,90,,', "(line)"),
    ],
)
def test_bad_rows_stand_between_good_ones(tmp_path: Path, row: str, field: str) -> None:
    fine = "g,appointment.completed,1,2026-01-01T00:00:00Z,,5.00,\n"
    header, first, refused, last = read(tmp_path, HEADER + fine + row + "\n" + fine)
    assert list(errors(refused)) == [field]
    assert first.event == last.event == from_fields({**VISIT, "id": "g", "customer_id": "1", "amount": "5",
                                                     "occurred_at": "2026-01-01T00:00:00Z"})  # fmt: skip
    assert [header.line, first.line, refused.line, last.line] == [1, 2, 3, 4]
    assert refused.raw == row


def test_a_byte_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    row = b"e\xff,call.received,1,2026-01-01T00:00:00Z,90,,\n"
    _, _, refused = read(tmp_path, HEADER.encode() + ROW.format(n=1, customer=1).encode() + row)
    assert errors(refused) == {"(line)": "text in the encoding of the file (--encoding names another)"}
    assert refused.errors[0].value == "byte 0xff"


def test_all_problems_of_a_line_are_named(tmp_path: Path) -> None:
    _, refused = read(tmp_path, HEADER + "e1,call.received,a b,yesterday,ninety,1.00,\n")
    assert set(errors(refused)) == {"customer_id", "occurred_at", "duration_seconds", "amount"}
    wrong = {**CALL, "type": "call.recieved", "customer_id": "a b", "occurred_at": "yesterday"}
    (refused,) = read(tmp_path, json.dumps(wrong), "a.jsonl")
    assert set(errors(refused)) == {"type", "customer_id", "occurred_at"}


@pytest.mark.parametrize(
    ("spelled", "customer"),
    [("42", "42"), ("42.0", "42"), ("42.00", "42"), ("00042", "00042"), (" K-112 ", "K-112"), ("4.5", "4.5")],
)
def test_ids_as_spreadsheets_write_them(tmp_path: Path, spelled: str, customer: str) -> None:
    (event,) = events(read(tmp_path, HEADER + ROW.format(n=1, customer=spelled)))
    assert event.customer == customer
    (event,) = events(read(tmp_path, json.dumps({**CALL, "customer_id": spelled}), "a.jsonl"))
    assert event.customer == customer


def test_numbers_as_spreadsheets_write_them(tmp_path: Path) -> None:
    row = "e1,feedback.received,1,2026-01-01T00:00:00Z,,,5.0,\n"
    (event,) = events(read(tmp_path, HEADER + row))
    assert event == from_fields({"id": "e1", "type": "feedback.received", "customer_id": "1", "rating": 5,
                                 "occurred_at": "2026-01-01T00:00:00Z"})  # fmt: skip
    (event,) = events(read(tmp_path, json.dumps(CALL).replace('"c1"', "42.0"), "a.jsonl"))
    assert event.customer == "42"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"a,b,c\n1,2,3\n", r"line 1 should name the columns; id, type, customer_id, occurred_at missing"),
        ("a.csv", b"\n\nid,type\n1,2\n", r"line 3 should name the columns; customer_id, occurred_at missing"),
        ("a.csv", b"id,type,customer_id,occurred_at,id\n", "'id' more than once"),
        ("a.csv", b'id,"type"x,customer_id\n', "should name the columns"),
        ("a.jsonl.gz", gzip.compress(jsonl())[:-30], "ended before"),
        ("a.jsonl.gz", gzip.compress(jsonl())[:20] + b"\xff" * 90, "a.jsonl.gz: "),
        ("a.xlsx", b"PK\x03\x04 and so on", "Excel workbook"),
        ("a.csv", b"PK\x03\x04 and so on", "Excel workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0 and so on", "old Excel workbook"),
        ("a.json", json.dumps(GOOD).encode(), r"one JSON array.*jq -c"),
        ("a.json", json.dumps(GOOD, indent=2).encode(), r"one JSON array.*jq -c"),
        ("a.jsonl", json.dumps(CALL, indent=2).encode(), "not one object on each line"),
        ("a.jsonl", comma_separated(), r"no line is a JSON object.*\.csv"),
        ("a.csv", b"\0" * 500 + b"a", "full of NUL bytes"),
        ("a.csv.bz2", b"BZh91AY&SY", "bzip2"),
    ],
)
def test_what_cannot_be_read_at_all_is_reported_once_with_the_cause(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableLog, match=reason) as raised:
        read(tmp_path, content, name)
    assert name in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "directory")):
        with pytest.raises(UnreadableLog, match=reason):
            list(read_log(path))
    assert read(tmp_path, b"", "empty.jsonl") == []


def test_now_refuses_the_future(tmp_path: Path) -> None:
    (line,) = read_log(write(tmp_path, "a.jsonl", json.dumps(CALL).encode()), now=EPOCH_MICROS)
    assert list(errors(line)) == ["occurred_at"]


LINES = [line.encode() for line in (HEADER.strip(), ROW.strip().format(n=1, customer=1), json.dumps(CALL), ",,", "")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(LINES), st.binary(max_size=40), st.text('a",;\t0.', max_size=30).map(str.encode)),
        max_size=30,
    ),
    st.sampled_from(["a.csv", "a.jsonl"]),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
@example([LINES[0], b'e1,"open', LINES[1]], "a.csv", b"\n")
def test_every_physical_line_is_counted_once(tmp_path: Path, content: list[bytes], name: str, end: bytes) -> None:
    """For any bytes: either the file as a whole cannot be read, or its lines add up."""
    whole = end.join(content)
    try:
        lines = read(tmp_path, whole, name)
    except UnreadableLog:
        return
    is_json = whole.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"") or name == "a.jsonl"
    text = io.StringIO(whole.decode("latin-1"), newline="\n" if is_json else "")
    assert sum(line.lines for line in lines) == len(list(text))
    for line in lines:
        assert (line.event is not None) == (line.kind == "event")
        assert bool(line.errors) == (line.kind == "rejected")
