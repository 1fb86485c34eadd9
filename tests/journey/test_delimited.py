"""Records of delimited files: every physical line is accounted for, and a bad one costs itself alone."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from journey.delimited import LONGEST_RECORD, MOST_LINES, Item, fields, records


def read(text: str) -> list[Item]:
    return list(records(io.StringIO(text, newline="")))


def kinds(text: str) -> list[tuple[str, int, int]]:
    return [(item.kind, item.line, item.lines) for item in read(text)]


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    text = 'id,comment\n1,fine\n2,"nice haircut\n3,good\n4,"also ""good"""\n5,end\n'
    items = read(text)
    assert [(item.kind, item.line, item.lines) for item in items] == [
        ("header", 1, 1),
        ("record", 2, 1),
        ("rejected", 3, 1),
        ("record", 4, 1),
        ("record", 5, 1),
        ("record", 6, 1),
    ]
    assert items[2].raw == '2,"nice haircut'
    assert items[2].problem.startswith("a quoted field that begins here is not closed: ")
    assert items[4].cells == ("4", 'also "good"')


def test_a_quote_that_is_never_closed_in_a_long_file_costs_one_line() -> None:
    rows = "".join(f"{number},good\n" for number in range(6_000))
    items = read('id,comment\n1,"nice haircut\n' + rows)
    assert [item.kind for item in items] == ["header", "rejected"] + 6_000 * ["record"]


def test_a_field_may_hold_line_breaks_separators_and_quotes() -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "comment"], ["1", 'first, "second"\r\nthird\n'], ["2", ""]])
    items = read(text.getvalue())
    assert [(item.kind, item.line, item.lines, item.cells) for item in items] == [
        ("header", 1, 1, ("id", "comment")),
        ("record", 2, 3, ("1", 'first, "second"\r\nthird\n')),
        ("record", 5, 1, ("2", "")),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n \n", [("ignored", 1, 1), ("ignored", 2, 1)]),
        ("\na,b\n1,2\n", [("ignored", 1, 1), ("header", 2, 1), ("record", 3, 1)]),
        ("sep=;\na;b\n1;2\n", [("header", 1, 1), ("header", 2, 1), ("record", 3, 1)]),
        ("a,b\n,\n,,,,\n1,2", [("header", 1, 1), ("ignored", 2, 1), ("ignored", 3, 1), ("record", 4, 1)]),
        ("a,b\r1,2\r3,4", [("header", 1, 1), ("record", 2, 1), ("record", 3, 1)]),
        ('a,b\n"1"x,2\n3,4\n', [("header", 1, 1), ("rejected", 2, 1), ("record", 3, 1)]),
        ('a,b\n1,"2\n3', [("header", 1, 1), ("rejected", 2, 1), ("record", 3, 1)]),
    ],
)
def test_what_each_line_is(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(delimiter: str) -> None:
    assert read(f"id{delimiter}name\n1{delimiter}a b\n")[1].cells == ("1", "a b")


def test_a_named_separator_outweighs_the_look_of_the_header() -> None:
    assert read("sep=;\nid;a,b,c\n1;2\n")[1].cells == ("id", "a,b,c")


def test_a_field_is_not_longer_than_the_limit() -> None:
    long = 'a,b\n1,"' + "x\n" * (MOST_LINES + 10) + '"\n2,3\n'
    assert kinds(long)[1] == ("rejected", 2, 1)
    wide = 'a,b\n1,"' + "x" * LONGEST_RECORD + '\n"\n2,3\n'
    assert kinds(wide)[1] == ("rejected", 2, 1)


@given(st.text(alphabet='ab",;\n\r\t |="\ufeff\x00é', max_size=200))
@example('a,b\n"\n"\n')
def test_every_line_is_in_exactly_one_item(text: str) -> None:
    items = read(text)
    lines = list(io.StringIO(text, newline=""))
    assert sum(item.lines for item in items) == len(lines)
    assert [item.line for item in items] == [1 + sum(before.lines for before in items[:n]) for n in range(len(items))]
    for item in items:
        own = "".join(lines[item.line - 1 : item.line - 1 + item.lines])
        assert item.raw == own.rstrip("\r\n") or own.startswith(item.raw)
        assert (item.kind == "rejected") == bool(item.problem)


@given(st.lists(st.lists(st.text(alphabet='ab",;\n\r é', max_size=8), min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["x", "y", "z"], *rows])
    items = read(text.getvalue())
    assert [list(item.cells) for item in items if item.kind == "record"] == [row for row in rows if any(row)]
    assert not [item for item in items if item.kind == "rejected"]


def test_a_closing_quote_that_leaves_another_number_of_fields_is_none() -> None:
    (_, rejected, *others) = read('a,b\n1,"2\n3",4\n5,6\n')
    assert (rejected.kind, rejected.line, rejected.lines) == ("rejected", 2, 1)
    assert "3 fields instead of 2" in rejected.problem
    assert [item.cells for item in others] == [('3"', "4"), ("5", "6")]


def test_many_open_quotes_cost_little() -> None:
    lines = 20_000
    assert sum(item.kind == "rejected" for item in read("a,b\n" + '1,"2\n' * lines)) >= lines - 1


def test_fields_of_one_record() -> None:
    assert fields("a,,b", ",") == ["a", "", "b"]
    assert fields('"a""b",c,', ",") == ['a"b', "c", ""]
    assert fields('a"b,c', ",") == ['a"b', "c"]
    assert fields('a,"b', ",") is None
