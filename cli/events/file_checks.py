"""Files that cannot be read as a whole, recognised by their beginning: one cause, and what to do about it."""

import re

import msgspec

#: First bytes of files that are no text, and what to do about them.
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as “CSV UTF-8”",
    b"%PDF": "a PDF; export the data as CSV",
    b"BZh": "compressed with bzip2; decompress it, or compress it with gzip",
    b"\xfd7zXZ": "compressed with xz; decompress it, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it, or compress it with gzip",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
}
_decode = msgspec.json.Decoder().decode


class UnreadableLog(Exception):
    """The file as a whole cannot be read. The message names the file, the cause and what to do."""


def check_start(name: str, sample: bytes) -> None:
    """Raises UnreadableLog where the beginning shows that no line of the file can be read."""
    for magic, description in FOREIGN.items():
        if sample.startswith(magic):
            raise UnreadableLog(f"{name}: this is {description}")
    if sample.count(0) > len(sample) // 10:
        raise UnreadableLog(f"{name}: this is not text (it is full of NUL bytes); export the data as CSV in UTF-8")
    text = sample.lstrip()
    if text.startswith(b"[") and not any(map(_is_object, text.splitlines()[1:50])):
        raise UnreadableLog(
            f"{name}: this is one JSON array; write one object on each line instead, for example with `jq -c '.[]'`"
        )
    if re.match(rb"\{\s*\n", text):
        raise UnreadableLog(
            f"{name}: this is JSON, but not one object on each line; `jq -c .` writes it that way (for an array inside "
            "of an object: `jq -c '.events[]'`)"
        )


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_decode(line), dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def is_json_lines(name: str, sample: bytes) -> bool:
    """By the first character; by the name where that says nothing."""
    first = sample.lstrip()[:1]
    if first == b"{":
        return True
    extension = name.lower().removesuffix(".gz").rpartition(".")[2]
    if extension in ("jsonl", "ndjson", "json"):
        starts = [line.lstrip()[:1] for line in sample.splitlines()[:50] if line.strip()]
        if len(starts) > 1 and b"{" not in starts:
            raise UnreadableLog(f"{name}: no line is a JSON object; give a CSV file a name that ends in .csv")
        return True
    return extension not in ("csv", "tsv", "txt") and not first
