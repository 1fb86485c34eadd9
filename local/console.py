"""What `up` shows: a spinner and colours on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLOURS = {"postgres": "blue", "temporal": "magenta", "worker": "green", "gateway": "cyan"}
WIDTH = max(map(len, COLOURS))


class Screen:
    """The terminal of one `up`. `muted`: the parts' own lines are no longer shown (they are being stopped)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.muted = False

    def line(self, name: str, text: str) -> None:
        """A part's own line, with its name before it. Called from other threads."""
        if not self.muted:
            prefix = Text(f"{name:<{WIDTH}} │ ", style=COLOURS.get(name, "dim"))
            self.console.print(prefix + Text.from_ansi(text))

    def say(self, text: str) -> None:
        """A line of `up` itself."""
        self.console.print(Text(f"{'up':<{WIDTH}} │ ", style="bold") + Text(text))

    def error(self, text: str) -> None:
        self.console.print(Text(text, style="bold red"))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that `name` is being worked on, then that it is ready and how long it took."""
        began = monotonic()
        with self.console.status(f"starting {name} …"):
            yield
        self.say(f"{name} ready ({monotonic() - began:.1f} s)")

    def banner(self, title: str, rows: Sequence[tuple[str, str]], notes: Sequence[str]) -> None:
        """Where everything is. Without a frame where there is no terminal, for whoever reads it by program."""
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
