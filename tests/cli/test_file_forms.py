"""Files as people have them: encodings, archives and workbooks give the same events as plain UTF-8."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from cli.events.event_log_file import Line, read_log
from cli.events.file_checks import UnreadableLog
from cli.events.file_forms import Delimiter, Encoding, Form
from journey.events import FeedbackReceived

HEADER = "id;type;customer_id;occurred_at;comment;;\r\n"
ROWS = "".join(
    f"e{n};feedback.received;{n};2026-01-0{n}T00:00:00Z;{comment};;\r\n"
    for n, comment in enumerate(("Schön “kurz”", "für 5 €", '"zwei\nZeilen"'), 1)
)
COMMENTS = ["Schön “kurz”", "für 5 €", "zwei\nZeilen"]
TEXT = HEADER.replace("comment", "comment;rating").replace(";;\r", ";\r") + ROWS.replace(";;\r\n", ";5;\r\n")


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def workbook(rows: Sequence[Sequence[str | int | float]]) -> bytes:
    """A minimal Excel workbook; the first sheet is empty, the second has the rows."""
    lines = []
    for row in rows:
        cells = "".join(
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int | float)
            else f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for cell in row
        )
        lines.append(f"<row>{cells}</row>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheet = '<worksheet xmlns="{}"><sheetData>{}</sheetData></worksheet>'
    return zipped(
        **{
            "[Content_Types].xml": (
                f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{kind}.worksheet+xml"/></Types>'
            ).encode(),
            "_rels/.rels": (
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
                'Target="xl/workbook.xml"/></Relationships>'
            ).encode(),
            "xl/workbook.xml": (
                f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Empty" sheetId="1" r:id="r1"/>'
                '<sheet name="Data" sheetId="2" r:id="r2"/></sheets></workbook>'
            ).encode(),
            "xl/_rels/workbook.xml.rels": (
                f'<Relationships xmlns="{package}/relationships">'
                f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
                f'<Relationship Id="r2" Type="{office}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>'
            ).encode(),
            "xl/worksheets/sheet1.xml": sheet.format(main, "").encode(),
            "xl/worksheets/sheet2.xml": sheet.format(main, "".join(lines)).encode(),
        }
    )


def comments(lines: Sequence[Line]) -> list[object]:
    assert not [line.errors for line in lines if line.kind == "rejected"]
    return [line.event.comment for line in lines if isinstance(line.event, FeedbackReceived)]


def read(path: Path, content: bytes, form: Form | None = None) -> list[Line]:
    path.write_bytes(content)
    return list(read_log(path, form=form))


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (TEXT.replace(";", ",").encode(), []),
        (TEXT.encode(), ["separator semicolon"]),
        (TEXT.encode("utf-8-sig"), ["separator semicolon"]),
        (TEXT.encode("cp1252"), ["encoding Windows-1252, separator semicolon"]),
        (TEXT.encode("utf-16"), ["encoding UTF-16, separator semicolon"]),
        (b"sep=;\r\n" + TEXT.encode("cp1252"), ["encoding Windows-1252, separator semicolon"]),
        (
            zipped(**{"export.csv": TEXT.encode("cp1252"), "__MACOSX/._export.csv": b"x"}),
            ["encoding Windows-1252, separator semicolon"],
        ),
        (TEXT.replace(";", ",").encode("cp1252"), ["encoding Windows-1252"]),
        (TEXT.replace(";", "\t").encode("cp1252"), ["encoding Windows-1252, separator tab"]),
        (TEXT.replace(";", "|").encode("cp1252"), ["encoding Windows-1252, separator pipe"]),
    ],
)
def test_every_encoding_separator_and_archive(tmp_path: Path, content: bytes, shown: list[str]) -> None:
    said: list[str] = []
    lines = read(tmp_path / "a.csv", content, Form(show=said.append))
    assert comments(lines) == COMMENTS
    assert said == [f"detected {each}; --encoding and --delimiter override this" for each in shown]
    assert [line.kind for line in lines if line.kind != "header"] == ["event"] * 3


def test_encoding_and_separator_can_be_chosen(tmp_path: Path) -> None:
    one = HEADER + "e1;feedback.received;1;2026-01-01T00:00:00Z;Schön;;\r\n"
    (refused,) = [line for line in read(tmp_path / "a.csv", one.encode("cp1252")) if line.kind != "header"]
    assert [error.problem for error in refused.errors] == [
        "text in the encoding of the file (--encoding names another)"
    ]
    valid = (HEADER.replace(";;\r", ";rating\r") + "e1;feedback.received;1;2026-01-01T00:00:00Z;Schön;5\r\n").encode(
        "cp1252"
    )
    assert comments(read(tmp_path / "b.csv", valid, Form(Encoding.windows1252))) == ["Schön"]
    # the header has more commas than semicolons, and only the option says what is meant
    misleading = "id;type;customer_id;occurred_at;rating;comment;a,b,c,d,e,f,g,h\n"
    misleading += "e1;feedback.received;1;2026-01-01T00:00:00Z;5;x;\n"
    with pytest.raises(UnreadableLog, match="missing"):
        read(tmp_path / "c.csv", misleading.encode())
    assert "unknown field" in str(
        read(tmp_path / "c.csv", misleading.replace("x;", "x;1").encode(), Form(delimiter=Delimiter.semicolon))[
            1
        ].errors
    )
    assert comments(read(tmp_path / "c.csv", misleading.encode(), Form(delimiter=Delimiter.semicolon))) == ["x"]


def test_two_lines_are_enough_to_detect_windows_1252(tmp_path: Path) -> None:
    header = "id,type,customer_id,occurred_at,rating,comment\n"
    rows = [f"e{n},feedback.received,1,2026-01-01T00:00:00Z,5,Schön\n" for n in range(2)]
    assert comments(read(tmp_path / "a.csv", (header + "".join(rows)).encode("cp1252"))) == ["Schön"] * 2


def test_a_workbook(tmp_path: Path) -> None:
    rows: list[list[str | int | float]] = [
        ["id", "type", "customer_id", "occurred_at", "rating", "comment"],
        ["e1", "feedback.received", 17, "2026-01-01T00:00:00Z", 5, "a\nb"],
        [],
        ["", ""],
        ["e2", "feedback.received", 17.0, "2026-01-01T00:00:00Z", 5.5, "c"],
    ]
    lines = read(tmp_path / "a.xlsx", workbook(rows))
    assert [(line.line, line.kind) for line in lines] == [
        (1, "header"), (2, "event"), (3, "ignored"), (4, "ignored"), (5, "rejected"),
    ]  # fmt: skip
    event = lines[1].event
    assert isinstance(event, FeedbackReceived)
    assert (event.customer, event.comment) == ("17", "a\nb")
    assert [error.field for error in lines[-1].errors] == ["rating"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(a=b"1", b=b"2"), r"exactly one file, and this one holds 2 \(a, b\)"),
        (zipped(), "this one holds 0"),
        (zipped(**{"xl/workbook.xml": b"<x"}), "workbook cannot be read"),
        (zipped(**{"a.csv": TEXT.encode()})[:-40], "damaged"),
    ],
)
def test_archives_that_cannot_be_read(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableLog, match=reason):
        read(tmp_path / "a.zip", content)


def test_reading_takes_no_more_memory_for_a_larger_file(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    row = "e{n},call.received,{n},2026-01-01T00:00:00Z,90\n"
    text = "id,type,customer_id,occurred_at,duration_seconds\n" + "".join(row.format(n=n) for n in range(200_000))
    path.write_bytes(zipped(**{"a.csv": text.encode()}))
    code = (
        "import resource, sys\n"
        "from cli.events.event_log_file import read_log\n"
        "lines = read_log(sys.argv[1]); next(lines)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert sum(line.kind == 'event' for line in lines) == 200_000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = int(subprocess.check_output([sys.executable, "-c", code, str(path)], text=True))
    assert grown < 4_000, f"{grown} kB more, of {len(text) // 1000} kB"
