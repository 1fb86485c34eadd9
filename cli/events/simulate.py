"""``journey simulate``: run an event log through the pure core, without a server, optionally with other rules."""

import json
import sys
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.events.event_log_file import read_log
from cli.events.file_checks import UnreadableLog
from cli.events.file_forms import Form
from cli.events.form_options import LOG_HELP, DelimiterOption, EncodingOption
from cli.options import AsJson, command_app
from cli.rules_file import read_rules
from journey.presets import presets
from journey.rules import InvalidRule
from journey.simulate import Log, Simulation
from journey.simulate import simulate as simulate_log
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.time import EPOCH_MICROS, LATEST, Micros, aware_datetime, to_micros, utc_text

BAR = 30  # characters of a full bar
SHOWN = 20  # bad lines and conflicts that are listed; all are counted

app = command_app()


@app.command()
def simulate_command(
    file: Annotated[str, typer.Argument(help=LOG_HELP)],
    as_of: Annotated[
        str | None, typer.Option(help="Time of the result, like 2026-03-12T09:00:00Z; default: the last event.")
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option(
            help="YAML or JSON file with other stages and rules to compare, or the name of ready-made ones: rhythm."
        ),
    ] = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    as_json: AsJson = False,
) -> None:
    """Run an event log through the rules alone, without a server.

    Prints the final stages and the number of transitions between them.

    Example: [bold]journey simulate visits.jsonl.gz --as-of 2026-03-12T09:00:00Z[/bold]
    """
    raise typer.Exit(simulate(file, as_of, rules, as_json, Form(encoding, delimiter)))


class WrongUse(Exception):
    """An option has an invalid value (exit code 2); the message says which."""


def simulate(
    file: str,
    as_of: str | None,
    rules: str | None,
    as_json: bool,
    form: Form = Form(),  # noqa: B008 - frozen
) -> int:
    """Print the stage of every customer at a point in time, and the transitions that led there.

    Args:
        file: the event log.
        as_of: RFC 3339 with an offset; default: the time of the last event.
        rules: a YAML or JSON file with ``{"stages": […], "scoring": {…}}`` or a list of stages, or the key of a
            preset, to compare with the default.
        as_json: print JSON instead of tables; with `rules`, their result alone.
        form: encoding and separator, where they are not to be detected.

    Returns:
        0; 1 when lines were rejected (the first ones are listed on stderr); 2 for wrong use or an unreadable file.
    """
    complaints = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        other = None if rules is None else _rulebook(rules)
        instant = None if as_of is None else _instant(as_of)
        log, bad = _read(file, form, complaints)
    except (WrongUse, UnreadableLog) as error:
        complaints.print(f"[red]error:[/red] {escape(str(error))}")
        return 2
    instant = log.last_at if instant is None else instant
    if instant is None:
        complaints.print("[red]error:[/red] the log has no events, and --as-of is missing")
        return 1 if bad else 2
    simulation = simulate_log(log.customers.values(), DEFAULT_RULEBOOK, instant)
    against = None if other is None else simulate_log(log.customers.values(), other, instant)
    if as_json:
        print(json.dumps((against or simulation).as_json()))
    else:
        _show(log, simulation, against)
    return 1 if bad else 0


def _read(file: str, form: Form, complaints: Console) -> tuple[Log, int]:
    """Read the log, reporting rejected lines and conflicts; returns it with the number of rejected lines."""
    log, bad = Log(), 0
    form = replace(form, show=lambda text: complaints.print(f"{escape(file)}: {escape(text)}"))
    for line in read_log(file, form=form):
        if line.event is not None:
            log.add(line.event)
        elif line.kind == "rejected":
            bad += line.lines
            if bad <= SHOWN:
                problems = "; ".join(map(str, line.errors))
                complaints.print(f"[yellow]line {line.line}:[/yellow] {escape(problems)}")
    if bad:
        complaints.print(f"[yellow]{bad} lines rejected[/yellow]")
    if log.conflicts:
        shown = ", ".join(log.conflicts[:SHOWN]) + (" …" if len(log.conflicts) > SHOWN else "")
        complaints.print(
            f"[yellow]{len(log.conflicts)} ids with different content[/yellow] (the first counts): {escape(shown)}"
        )
    return log, bad


def _instant(text: str) -> Micros:
    moment = aware_datetime(text)
    if moment is not None and moment < LATEST:
        return to_micros(moment)
    raise WrongUse(f"--as-of {text!r} is not a time with an offset between 1900 and 2200, like 2026-03-12T09:00:00Z")


def _rulebook(file: str) -> Rulebook:
    for preset in presets():
        if file == preset.key:
            return rulebook_from(preset.stages)
    try:
        rules = read_rules(file)
        return rulebook_from({name: rules[name] for name in ("stages", "scoring") if name in rules})
    except InvalidRule as invalid:
        raise WrongUse(f"--rules {file}: {invalid}") from None
    except ValueError as error:
        names = ", ".join(preset.key for preset in presets())
        raise WrongUse(f"--rules {error}; ready-made rules: {names}") from None


def _show(log: Log, simulation: Simulation, against: Simulation | None) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    first, last = utc_text(log.first_at or EPOCH_MICROS), utc_text(log.last_at or EPOCH_MICROS)
    console.print(f"events: {log.events:,}, customers: {len(log.customers):,}, {first} to {last}")
    if log.duplicates:
        console.print(f"{log.duplicates:,} duplicates counted once")
    console.print(f"as of [bold]{utc_text(simulation.as_of)}[/bold]\n")
    ours, theirs = simulation.as_json(), against.as_json() if against else None
    console.print(_stage_table(ours["stages"], theirs["stages"] if theirs else None, _colors(simulation, against)))
    moves = {(row["from"], row["to"]): row["count"] for row in ours["transitions"]}
    others = {(row["from"], row["to"]): row["count"] for row in theirs["transitions"]} if theirs else None
    console.print(_move_table(moves, others))


def _colors(*simulations: Simulation | None) -> dict[str, str]:
    books = [simulation.rulebook for simulation in simulations if simulation is not None]
    return {stage.key: stage.fields.color or "white" for book in books for stage in book.all_stages}


def _stage_table(ours: dict[str, int], theirs: dict[str, int] | None, colors: dict[str, str]) -> Table:
    table = _table("stage", theirs)
    table.add_column("share", justify="right")
    table.add_column("", no_wrap=True)
    counts = ours if theirs is None else theirs
    total = sum(counts.values())
    for key in [*ours, *(key for key in theirs or () if key not in ours)]:
        share = counts.get(key, 0) / total if total else 0.0
        bar = f"[{colors[key]}]{'█' * round(share * BAR) or ('▏' if share else '')}[/]"
        table.add_row(key, *_numbers(ours.get(key), key, theirs), f"{share:.1%}", bar)
    return table


def _move_table(ours: dict[tuple[str | None, str], int], theirs: dict[tuple[str | None, str], int] | None) -> Table:
    table = _table("transition", theirs)
    for move in [*ours, *(move for move in theirs or () if move not in ours)]:
        table.add_row(f"{move[0] or '·'} → {move[1]}", *_numbers(ours.get(move), move, theirs))
    return table


def _table(name: str, theirs: object) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(name, no_wrap=True)
    for heading in ("count",) if theirs is None else ("default", "these rules", "difference"):
        table.add_column(heading, justify="right")
    return table


def _numbers(ours: int | None, key: Any, theirs: dict[Any, int] | None) -> list[str]:
    if theirs is None:
        return [f"{ours or 0:,}"]
    other = theirs.get(key)
    difference = (other or 0) - (ours or 0)
    shown = f"[{'green' if difference > 0 else 'red'}]{difference:+,}[/]" if difference else "="
    return ["–" if ours is None else f"{ours:,}", "–" if other is None else f"{other:,}", shown]
