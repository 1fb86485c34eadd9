"""The output of ``journey up``: a spinner and colours on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

import rich.console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLOURS = {"postgres": "blue", "temporal": "magenta", "worker": "green", "gateway": "cyan"}
WIDTH = max(map(len, COLOURS))


class Console:
    """The terminal of one `up`. While `muted` (during the stop), the services' own output is not shown."""

    def __init__(self, console: rich.console.Console | None = None) -> None:
        self.console = console or rich.console.Console(highlight=False, soft_wrap=True)
        self.muted = False

    def line(self, name: str, text: str) -> None:
        """Print a line of a service's output, prefixed with the service's name. Called from other threads."""
        if not self.muted:
            prefix = Text(f"{name:<{WIDTH}} │ ", style=COLOURS.get(name, "dim"))
            self.console.print(prefix + Text.from_ansi(text))

    def say(self, text: str) -> None:
        """Print a line of `up` itself."""
        self.console.print(Text(f"{'up':<{WIDTH}} │ ", style="bold") + Text(text))

    def error(self, text: str) -> None:
        self.console.print(Text(text, style="bold red"))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that `name` is starting, then that it is ready and how long it took."""
        began = monotonic()
        with self.console.status(f"starting {name} …"):
            yield
        self.say(f"{name} ready ({monotonic() - began:.1f} s)")

    def banner(self, title: str, rows: Sequence[tuple[str, str]], notes: Sequence[str]) -> None:
        """Print where everything is; unframed when the output is not a terminal, so that programs can read it."""
        if not self.console.is_terminal:
            lines = [title, *(f"{label}: {value}" for label, value in rows), *notes]
            self.console.print(Text("\n".join(lines)))
            return
        grid = Table.grid(padding=(0, 2))
        for label, value in rows:
            grid.add_row(Text(label, style="dim"), Text(value, style="bold", overflow="fold"))
        for note in notes:
            grid.add_row("", Text(note, style="dim"))
        self.console.print(Panel(grid, title=title, border_style="green", expand=False, padding=(1, 2)))
