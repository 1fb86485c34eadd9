"""``journey predictions``: the models of who comes back."""

from pathlib import Path

import typer

from cli.options import AnyCompany, AsJson, Data, finish, settle

predictions = typer.Typer(help="Who comes back: a company's models of it.", no_args_is_help=True)


@predictions.command("fit")
def predictions_fit(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Fit the model of who comes back, on all appointments until now; predictions use it at once.

    A company with too little history gets none, and the reason.

    Example: [bold]journey predictions fit --company 1[/bold]
    """
    from cli import fitting
    from settings import read_settings

    settle(data)
    finish(fitting.fit(read_settings(), company, as_json))


@predictions.command("models")
def predictions_models(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every version that was fitted, newest first: its parameters (times in days), or why there is none.

    Example: [bold]journey predictions models --company 1[/bold]
    """
    from cli import fitting
    from settings import read_settings

    settle(data)
    finish(fitting.list_models(read_settings(), company, as_json))
