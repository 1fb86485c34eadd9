"""``journey stages``: a company's stages and rules as a file, their versions and roll-outs."""

from pathlib import Path
from typing import Annotated, Any

import typer

import connection
from cli.database import ACTOR, pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, print_json, print_not_found, print_result
from cli.rule_changes import make_change, report_rollout
from cli.rule_previews import preview
from cli.rules_file import as_yaml, read_rules
from contracts.names import CONTINUE_SIGNAL, PAUSE_SIGNAL
from contracts.rollouts import signal_rollout
from db.connections import Pool, tenant_transaction
from db.journeys import rulebook_versions
from db.journeys.rulebook_versions import Change
from db.journeys.rulebooks import RulebookCache
from journey.presets import presets
from journey.rulebook_problems import REASON, is_reason, rulebook_problems
from journey.stages import rulebook_from
from settings import Settings

File = Annotated[str, typer.Argument(help="YAML or JSON, such as `journey stages show` prints; - is standard input.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept with the version.")]
RunActions = Annotated[
    bool | None, typer.Option("--run-actions/--no-actions", help="Whether moves that the change causes run actions.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until all journeys have been notified.")]
Expect = Annotated[
    int | None, typer.Option(min=1, help="Refuse unless this version is in force; default: `version` in the file.")
]
Number = Annotated[int, typer.Argument(metavar="VERSION", min=1, max=(1 << 31) - 1)]

app = command_app("Show and change a company's stages and rules.")


@app.command("show")
def stages_show(
    company: Company,
    version: Annotated[int | None, typer.Option(help="An earlier version.", min=1, max=(1 << 31) - 1)] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Print the stages, rules and scoring as YAML, in a form that can be applied again.

    Example: [bold]journey stages show --company 1 > rules.yaml[/bold]
    """
    run(data, lambda settings: show(settings, company, version, as_json))


@app.command("apply")
def stages_apply(
    file: File,
    company: Company,
    reason: Reason = None,
    run_actions: RunActions = None,
    expect: Expect = None,
    wait: Wait = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make the rules of a file the newest version, and notify the journeys that it changes.

    The file has the key stages, and optionally scoring (left out: unchanged), reason, run_actions and version. Every
    mistake is listed with its place; then the exit code is 2 and nothing is changed. If another version is in force
    than the expected one, it is 1.

    Example: [bold]journey stages apply rules.yaml --company 1 --reason "VIP from 500" --wait[/bold]
    """
    run(data, lambda settings: apply(settings, company, file, reason, run_actions, expect, wait=wait, as_json=as_json))


@app.command("preview")
def stages_preview(
    company: Company,
    file: Annotated[str | None, typer.Argument(help="As for apply; - is standard input.")] = None,
    version: Annotated[
        int | None, typer.Option(help="An earlier version, instead of a file.", min=1, max=(1 << 31) - 1)
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Ready-made rules, instead of a file.")] = None,
    since: Annotated[str | None, typer.Option(help="Compare the past from this time on, in RFC 3339.")] = None,
    fail_over: Annotated[
        str | None, typer.Option(help="Exit with 1 if more than this share of the customers is moved, such as 5%.")
    ] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Say what changed rules would do: whom they move now, and what the past would have been. Nothing is changed.

    The result is kept for a day, and the roll-out of the same change is compared with it. Ctrl-C cancels it.

    Example: [bold]journey stages preview rules.yaml --company 1 --fail-over 5%[/bold]
    """
    options: dict[str, Any] = {"since": since, "fail_over": fail_over, "as_json": as_json}
    run(data, lambda settings: preview(settings, company, file, version, preset, **options))


@app.command("versions")
def stages_versions(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List the versions of the rules, the newest first.

    Example: [bold]journey stages versions --company 1[/bold]
    """
    run(data, lambda settings: versions(settings, company, as_json))


@app.command("restore")
def stages_restore(
    version: Number,
    company: Company,
    reason: Reason = None,
    run_actions: RunActions = None,
    wait: Wait = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make an earlier version the newest; it gets a new number.

    Example: [bold]journey stages restore 3 --company 1 --reason "too many VIPs"[/bold]
    """
    run(data, lambda settings: restore(settings, company, version, reason, run_actions, wait=wait, as_json=as_json))


@app.command("preset")
def stages_preset(
    name: Annotated[str | None, typer.Argument(metavar="KEY", help="Ready-made rules; default: list them.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the ready-made rules, or print one of them as a file.

    Example: [bold]journey stages preset rhythm | journey stages apply - --company 1[/bold]
    """
    raise typer.Exit(show_preset(name, as_json))


@app.command("rollout")
def stages_rollout(
    version: Number,
    company: Company,
    pause: Annotated[bool, typer.Option("--pause", help="Notify no further journeys for now.")] = False,
    resume: Annotated[bool, typer.Option("--continue", help="Continue a paused roll-out.")] = False,
    wait: Wait = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Show the progress of a version's roll-out, pause or continue it.

    Example: [bold]journey stages rollout 4 --company 1 --wait[/bold]
    """
    if pause and (resume or wait):
        raise typer.BadParameter("--pause goes with neither --continue nor --wait")
    signal = PAUSE_SIGNAL if pause else CONTINUE_SIGNAL if resume else None
    run(data, lambda settings: rollout(settings, company, version, signal, wait=wait, as_json=as_json))


async def show(settings: Settings, company: int, version: int | None, as_json: bool) -> int:
    async with pool_for(settings, company) as pool:
        found = [row for row in await _listed(pool, company) if version in (None, row["version"])]
    if not found:
        return print_not_found(f"There is no version {version}. List them with: journey stages versions")
    rules = {name: found[0][name] for name in ("version", "stages", "scoring")}
    if as_json:
        print_json(rules)
    else:  # without `version`, so that the file can be applied whatever is in force
        print(f"# version {rules.pop('version')} of company {company}\n{as_yaml(rules)}", end="")
    return 0


async def apply(
    settings: Settings,
    company: int,
    file: str,
    reason: str | None,
    run_actions: bool | None,
    expect: int | None,
    *,
    wait: bool,
    as_json: bool,
) -> int:
    """Returns 1 if another version is in force than the expected one. Raises ValueError (exit code 2) for mistakes."""
    rules = read_rules(file)
    if problems := rulebook_problems(rules.get("stages"), rules.get("scoring")):
        raise ValueError(
            "\n".join([f"{file}: nothing was changed", *(f"{one.place}: {one.problem}" for one in problems)])
        )
    reason = _reason(rules.get("reason") if reason is None else reason)
    run_actions = rules.get("run_actions", False) if run_actions is None else run_actions
    expect = rules.get("version") if expect is None else expect
    if not isinstance(run_actions, bool):
        raise ValueError(f"{file}: run_actions: {run_actions!r} is neither true nor false")
    if expect is not None and (not isinstance(expect, int) or isinstance(expect, bool)):
        raise ValueError(f"{file}: version: {expect!r} is not the number of a version")
    if (preview_id := rules.get("preview_id")) is not None and type(preview_id) is not int:
        raise ValueError(f"{file}: preview_id: {preview_id!r} is not the number of a preview")
    change = Change(
        rules["stages"], rules.get("scoring"), ACTOR, reason, runs_actions=run_actions, preview_id=preview_id
    )
    async with pool_for(settings, company) as pool:
        return await make_change(settings, pool, company, change, expect, wait=wait, as_json=as_json)


async def versions(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool:
        found = await _listed(pool, company)
    shown = ("version", "effective_at", "actor", "reason", "restores", "run_actions", "is_current")
    rows = found if as_json else [{name: version[name] for name in shown} for version in found]
    return print_result(rows, as_json, "")


async def restore(
    settings: Settings,
    company: int,
    version: int,
    reason: str | None,
    run_actions: bool | None,
    *,
    wait: bool,
    as_json: bool,
) -> int:
    """Returns 1 for an unknown version."""
    reason = _reason(reason)
    async with pool_for(settings, company) as pool:
        async with tenant_transaction(pool, company) as scoped:
            earlier = await rulebook_versions.find(scoped, company, version)
        if earlier is None:
            return print_not_found(f"There is no version {version} on record.")
        change = earlier.restored(ACTOR, reason, runs_actions=run_actions or False)
        return await make_change(settings, pool, company, change, None, wait=wait, as_json=as_json)


def show_preset(name: str | None, as_json: bool) -> int:
    ready = {preset.key: preset for preset in presets()}
    if name is None:
        rows = [{"key": preset.key, "name": preset.name, "description": preset.description} for preset in presets()]
        return print_result(rows, as_json, "")
    if name not in ready:
        complaints.print(f"there are no ready-made rules {name!r}; there are: {', '.join(ready)}", markup=False)
        return 2
    rules = {"stages": rulebook_from(ready[name].stages).as_json()["stages"]}
    if as_json:
        print_json(rules)
    else:
        print(f"# {ready[name].description}\n{as_yaml(rules)}", end="")
    return 0


async def rollout(
    settings: Settings, company: int, version: int, signal: str | None, *, wait: bool, as_json: bool
) -> int:
    """Returns 1 if there is no such roll-out, or it failed."""
    async with pool_for(settings, company) as pool:
        client = await connection.connect()
        if signal and not await signal_rollout(client, company, version, signal):
            return print_not_found(f"No roll-out of version {version} is running.")
        return await report_rollout(client, pool, company, version, wait=wait, as_json=as_json)


async def _listed(pool: Pool, company: int) -> list[dict[str, Any]]:
    from api.rule_versions import described

    async with tenant_transaction(pool, company) as scoped:
        current = await RulebookCache().load(scoped, company)
        return described(await rulebook_versions.list_all(scoped, company), current)


def _reason(text: Any) -> str | None:
    if text is not None and not is_reason(text):
        raise ValueError(f"reason: {text!r} is not {REASON}")
    return None if text is None else str(text)
