"""Options of the commands that read files: how a file is encoded and separated, where detection is wrong."""

from typing import Annotated

import typer

from cli.events.file_forms import Delimiter, Encoding

LOG_HELP = "Event log: .jsonl, .csv or .xlsx, optionally .gz or .zip, or - for standard input."

EncodingOption = Annotated[Encoding | None, typer.Option(help="Encoding of the text; default: detected.")]
DelimiterOption = Annotated[
    Delimiter | None, typer.Option(help="What separates columns; default: what the header has most of.")
]
