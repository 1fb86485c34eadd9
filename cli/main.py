"""The ``journey`` command: its subcommands by name, each imported only when it runs.

Importing all of them takes two seconds, which `journey --help` should not cost. `Lazily Loading Subcommands` in Click's
documentation describes the technique.
"""

import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

#: panel of the help → command → (module, summary shown in `journey --help`)
PANELS: dict[str, dict[str, tuple[str, str]]] = {
    "Run the system": {
        "up": ("cli.system.up", "Run everything on this machine until Ctrl-C."),
        "worker": ("cli.system.worker", "Run one worker; SIGTERM drains it."),
        "gateway": ("cli.system.gateway", "Run the HTTP gateway."),
        "migrate": ("cli.system.migrate", "Upgrade the database schema to the newest revision."),
        "health-check": ("cli.system.health_check", "Check each service, its version and latency."),
    },
    "Events": {
        "import": ("cli.events.import_log", "Import an event log."),
        "simulate": ("cli.events.simulate", "Run an event log through the rules alone, without a server."),
        "events": ("cli.events.retract", "Take events back."),
    },
    "Maintenance": {
        "evaluate-transitions": (
            "cli.maintenance.evaluate_transitions",
            "Evaluate journeys now and print what changed.",
        ),
        "queue-updates": ("cli.maintenance.queue_updates", "Evaluate every journey in chunks, in a workflow."),
        "update-risk-scores": ("cli.maintenance.queue_updates", "Check the scores of every journey."),
        "validate": ("cli.maintenance.validate", "Find inconsistent data and drift between Temporal and Postgres."),
        "rebuild": ("cli.maintenance.rebuild", "Make journeys anew from their ledger."),
        "optimize-queries": ("cli.maintenance.optimize_queries", "Show the plan of each essential query."),
        "metrics": ("cli.maintenance.metrics", "Recalculate the daily stage metrics."),
        "predictions": ("cli.maintenance.predictions", "Fit and list the models that predict returning customers."),
    },
    "Outreach": {
        "actions": ("cli.outreach.actions", "List actions (e-mails, SMS, tasks, webhooks) and retry them."),
        "tasks": ("cli.outreach.tasks", "List, complete and assign staff tasks."),
        "templates": ("cli.outreach.templates", "Customise a company's message templates."),
        "outreach": ("cli.outreach.outreach", "Quiet hours, message limits, sender and retention campaign."),
        "webhooks": ("cli.outreach.webhooks", "Manage webhook endpoints."),
    },
    "Administration": {
        "customers": (
            "cli.administration.customers",
            "Explain a customer's journey; merge customers who are one person.",
        ),
        "companies": ("cli.administration.companies", "Manage companies."),
        "keys": ("cli.administration.keys", "Manage API keys and sign-in links."),
        "stages": ("cli.administration.stages", "Show and change a company's stages and rules."),
        "staff": ("cli.administration.staff", "Manage a company's staff."),
    },
}
MODULES = {name: module for commands in PANELS.values() for name, (module, _) in commands.items()}


def load(name: str) -> Any:
    """Import the module of a command and return the command or group of that name."""
    loaded: Any = typer.main.get_command(import_module(MODULES[name]).app)
    subcommands: dict[str, Any] = getattr(loaded, "commands", {})
    for command in (loaded, *subcommands.values()):
        # Typer keeps the line breaks of a docstring; only blank lines should start a new paragraph.
        command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", command.help or "")
    return subcommands.get(name, loaded)  # a module may hold two commands


class LazyGroup(TyperGroup):
    """A group whose listed commands are placeholders; the real one is imported when it is resolved."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else placeholder, rest


app = typer.Typer(
    name="journey",
    cls=LazyGroup,
    help="Durable customer journeys: one workflow for every customer relationship.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)


def _placeholder() -> None:
    """Never runs: LazyGroup resolves the name to the real command."""


for _panel, _commands in PANELS.items():
    for _name, (_, _summary) in _commands.items():
        app.command(_name, help=_summary, rich_help_panel=_panel)(_placeholder)


@app.callback()
def _configure() -> None:
    """Commands log warnings and errors to standard error; worker and gateway configure their own logs."""
    from logging_setup import configure_logs

    if len(sys.argv) > 1 and sys.argv[1] not in ("worker", "gateway"):
        configure_logs("WARNING", "auto")


if __name__ == "__main__":
    app()
