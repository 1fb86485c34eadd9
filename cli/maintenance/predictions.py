"""``journey predictions``: fit and list the models that predict returning customers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from activities.return_models import fit_company
from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import print_json, print_rows, progress
from db.analytics import return_models
from db.analytics.return_models import ReturnModel
from db.connections import open_pool
from settings import Settings

app = command_app("Fit and list the models that predict returning customers.")


@app.command("fit")
def predictions_fit(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Fit a company's model to all appointments so far. Predictions use it immediately.

    A company with too little history gets no model; the output says why.

    Example: [bold]journey predictions fit --company 1[/bold]
    """
    run(data, lambda settings: fit(settings, company, as_json))


@app.command("models")
def predictions_models(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all versions, newest first, with their parameters (times in days).

    Example: [bold]journey predictions models --company 1[/bold]
    """
    run(data, lambda settings: list_models(settings, company, as_json))


async def fit(settings: Settings, company: int | None, as_json: bool) -> int:
    """Fit one company or all of them. Too little history is not an error: the exit code stays 0."""
    models: list[dict[str, Any]] = []
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        ids = await company_ids(pool, company)
        with progress() as bar:
            task = bar.add_task("", total=len(ids))
            for company_id in ids:
                bar.update(task, description=f"fitting company {company_id}")
                models.append(_row(company_id, await fit_company(pool, company_id)))
                bar.advance(task)
    finally:
        await pool.close()
    return _report(models, "No companies yet.", as_json)


async def list_models(settings: Settings, company: int | None, as_json: bool) -> int:
    """List the versions of one company or of all."""
    models: list[dict[str, Any]] = []
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        for company_id in await company_ids(pool, company):
            models += [_row(company_id, version) for version in await return_models.versions(pool, company_id)]
    finally:
        await pool.close()
    return _report(models, "No model has been fitted yet. Run: journey predictions fit", as_json)


def _row(company_id: int, version: ReturnModel) -> dict[str, Any]:
    return {
        "company_id": company_id,
        **asdict(version),
        "fitted_at": version.fitted_at.isoformat(),
        "has_model": version.model is not None,
    }


def _report(models: list[dict[str, Any]], empty: str, as_json: bool) -> int:
    if as_json:
        print_json({"models": models})
        return 0
    print_rows([_table_row(model) for model in models], empty)
    return 0


def _table_row(model: dict[str, Any]) -> dict[str, Any]:
    """A row of the table."""
    return {
        "company": model["company_id"],
        "version": model["version"],
        "fitted_at": model["fitted_at"],
        "history": f"{model['history_from']} to {model['history_to']}" if model["history_from"] else None,
        "customers": f"{model['customers']:,}",
        "came_back": f"{model['returned_customers']:,}",
        "model": _model(model) if model["has_model"] else f"none: {model['reason']}",
        "auc": _measure(model, "auc"),
        "calibration_error": _measure(model, "calibration_error"),
    }


def _model(model: dict[str, Any]) -> str:
    if model["parameters"] is None:
        return f"{model['method']} (no BG/NBD: {model['reason']})"
    parameters = ", ".join(f"{name} {model['parameters'][name]:.4g}" for name in ("r", "alpha", "a", "b"))
    return f"{model['method']}: {parameters}; log-likelihood {model['log_likelihood']:,.1f}"


def _measure(model: dict[str, Any], name: str) -> str | None:
    """A figure of the method in use, from the comparison with the second half of the history."""
    compared = (model["comparison"] or {}).get(model["method"])
    return None if compared is None else f"{compared[name]:.3f}"
