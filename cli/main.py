"""The ``journey`` command: every subcommand's options and help; the work is done in the modules beside this one.

Each is imported by the command that needs it: together they take two seconds, and a help text should take none.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.actions import actions
from cli.metrics import metrics
from cli.options import AnyCompany, AsJson, Company, Data, finish, settle
from cli.outreach import outreach
from cli.predictions import predictions
from cli.staff import staff
from cli.tasks import tasks
from cli.templates import templates
from cli.tenants import companies, keys
from cli.webhooks import webhooks
from local import data_folder

app = typer.Typer(
    name="journey",
    help="Durable customer journeys: one workflow for every customer relationship.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
app.add_typer(companies, name="companies")
app.add_typer(keys, name="keys")
app.add_typer(actions, name="actions")
app.add_typer(tasks, name="tasks")
app.add_typer(staff, name="staff")
app.add_typer(webhooks, name="webhooks")
app.add_typer(outreach, name="outreach")
app.add_typer(templates, name="templates")
app.add_typer(metrics, name="metrics")
app.add_typer(predictions, name="predictions")


class Actions(StrEnum):
    """Which stage actions an import runs: none, however recent the history, or those of each stage of now."""

    none = "none"
    current = "current"


@app.command()
def up(
    data: Data = Path(".journey"),
    port: Annotated[int, typer.Option(help="The gateway's port.")] = 8000,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty system with an invented, lively company.")
    ] = False,
    dashboard: Annotated[bool, typer.Option(help="Build the dashboard where it is missing or old.")] = True,
) -> None:
    """Run everything on this machine: Postgres, Temporal, a worker, the gateway with the dashboard.

    Example: [bold]journey up --demo --data /var/lib/journeys --port 9000[/bold]
    """
    from cli.up import up_command

    up_command(data, port, dashboard=dashboard, demo=demo)


@app.command()
def worker(data: Data = Path(".journey")) -> None:
    """Run one worker; SIGTERM drains it.

    Example: [bold]DATABASE_URL=… TEMPORAL_ADDRESS=… journey worker[/bold]
    """
    from worker import main

    settle(data)
    raise typer.Exit(main())


@app.command()
def gateway(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    data: Data = Path(".journey"),
) -> None:
    """Run the HTTP gateway.

    Example: [bold]journey gateway --host 0.0.0.0 --port 8000[/bold]
    """
    from api.app import create_app
    from api.server import server_for
    from logging_setup import configure_logs
    from settings import read_settings

    settle(data)
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    server = server_for(
        create_app(settings),
        trusted_proxies=settings.trusted_proxies,
        connections_per_address=settings.connections_per_address,
        host=host,
        port=port,
        log_config=None,
        timeout_graceful_shutdown=20,
    )
    server.run()
    if not server.started:
        raise typer.Exit(3)


@app.command()
def migrate(data: Data = Path(".journey")) -> None:
    """Bring the database's schema to the newest revision; safe to repeat.

    Example: [bold]DATABASE_URL=postgresql://owner@db/perdure journey migrate[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.migrate(read_settings()))


@app.command(name="import")
def import_(
    file: Annotated[str, typer.Argument(help="An event log: .jsonl or .csv, either .gz, or - for standard input.")],
    company: Company,
    shift_to_now: Annotated[bool, typer.Option(help="Move all times so that the last event is now.")] = False,
    actions: Annotated[
        Actions, typer.Option(help="Stage actions: none, or once those of each stage of now.")
    ] = Actions.none,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Bring an event log into journeys. Repeatable: what is there already changes nothing.

    Bad lines go to FILE.rejected.jsonl with their reasons, and the exit code is 1.

    Example: [bold]journey import visits.jsonl.gz --company 1 --shift-to-now[/bold]
    """
    from cli.import_log import import_log
    from settings import read_settings

    settle(data)
    finish(import_log(read_settings(), file, company, shift_to_now, actions is Actions.current, as_json))


@app.command()
def simulate(
    file: Annotated[str, typer.Argument(help="An event log: .jsonl or .csv, either .gz, or - for standard input.")],
    as_of: Annotated[
        str | None, typer.Option(help="An instant like 2026-03-12T09:00:00Z; default: the last event.")
    ] = None,
    rules: Annotated[str | None, typer.Option(help="A JSON file with other stages and rules, to compare.")] = None,
    as_json: AsJson = False,
) -> None:
    """Where the customers of an event log would stand: the pure core alone, no server.

    Example: [bold]journey simulate visits.jsonl.gz --as-of 2026-03-12T09:00:00Z[/bold]
    """
    from cli.simulate import simulate as run_simulation

    raise typer.Exit(run_simulation(file, as_of, rules, as_json))


@app.command(name="evaluate-transitions")
def evaluate_transitions(
    customer: Annotated[str | None, typer.Option(help="Only this customer (needs --company).")] = None,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate journeys now, and say what changed.

    Example: [bold]journey evaluate-transitions --company 1 --customer 123[/bold]
    """
    from cli import evaluate
    from settings import read_settings

    if customer is not None and company is None:
        raise typer.BadParameter("--customer needs --company: the id is the company's own")
    settle(data)
    finish(evaluate.evaluate(read_settings(), company, customer, as_json=as_json))


Rate = Annotated[
    float,
    typer.Option(
        help="Journeys a second that are asked to evaluate. Two cores do five unnoticed by live events.",
        min=0.1,
        max=1000,
    ),
]


@app.command(name="queue-updates")
def queue_updates(
    chunk: Annotated[int, typer.Option(help="Journeys in one chunk.", min=1, max=10_000)] = 100,
    rate: Rate = 5,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate every journey in chunks, by a workflow that goes on whatever happens to this command.

    Finding something to do is drift: reported, repaired, exit code 1. While one runs, the command looks at that one.

    Example: [bold]journey queue-updates --chunk 500 --rate 50[/bold]
    """
    from cli.evaluate_all import evaluate_all
    from settings import read_settings

    settle(data)
    finish(evaluate_all(read_settings(), company, chunk=chunk, rate=rate, as_json=as_json))


@app.command(name="update-risk-scores")
def update_risk_scores(
    rate: Rate = 5, company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Check every journey's scores. Journeys keep their own; finding one that is not right is drift, exit code 1.

    The same evaluation as queue-updates, in chunks of 500.

    Example: [bold]journey update-risk-scores --company 1[/bold]
    """
    from cli.evaluate_all import evaluate_all
    from settings import read_settings

    settle(data)
    finish(evaluate_all(read_settings(), company, chunk=500, rate=rate, as_json=as_json))


@app.command()
def validate(
    company: AnyCompany = None,
    deep: Annotated[bool, typer.Option(help="Ask every workflow for its state, too (slow).")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Look for orphaned relationships, invalid stages, and drift: between Temporal and Postgres, and between a row and
    what ledger and transitions say. Exit code 1 if there is any.

    Example: [bold]journey validate --company 1 --deep[/bold]
    """
    from cli.validate import validate as run_validation
    from settings import read_settings

    settle(data)
    finish(run_validation(read_settings(), company, deep, as_json))


@app.command(name="optimize-queries")
def optimize_queries(
    company: AnyCompany = None,
    analyze: Annotated[bool, typer.Option(help="Run the reading ones, too, and say how long each took.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """The plan of each essential query, and what index it uses; exit code 1 where one reads a large table through.

    As the application, in the scope of one company: by default of the one with the most journeys.

    Example: [bold]journey optimize-queries --company 1 --analyze[/bold]
    """
    from cli.optimize import optimize
    from settings import read_settings

    settle(data)
    finish(optimize(read_settings(), company, analyze, as_json))


@app.command(name="health-check")
def health_check(
    gateway_url: Annotated[str | None, typer.Option("--gateway", help="Check this gateway, too.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Each part, its version and latency; exit code 1 if one is down.

    Example: [bold]journey health-check --gateway http://127.0.0.1:8000[/bold]
    """
    from cli import health
    from settings import read_settings

    found = data_folder.environment(data)
    settle(data)
    finish(health.check(read_settings(), gateway_url or found.get("PUBLIC_URL"), as_json))


@app.callback()
def _configure() -> None:
    """Logs of the commands themselves go to standard error, warnings and worse."""
    from logging_setup import configure_logs

    if len(sys.argv) > 1 and sys.argv[1] not in ("worker", "gateway"):
        configure_logs("WARNING", "auto")


if __name__ == "__main__":
    app()
