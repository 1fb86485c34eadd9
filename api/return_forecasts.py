"""Add return forecasts to churn predictions: the company's newest model applied to each customer's visits."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import orjson

from db.analytics import return_models
from db.analytics.return_models import ReturnModel
from db.analytics.visit_history import visits_of_customers
from db.connections import Pool
from journey import return_forecast
from journey.bgnbd import METHOD
from journey.visits import Visits

NO_FORECAST = dict.fromkeys(("return_probability", "expected_appointments", "year_value", "model", "inputs"))
NO_MODEL = {
    **dict.fromkeys(field.name for field in fields(ReturnModel) if field.name != "forecast"),
    "method": METHOD,
    "reason": "no model was fitted yet; run `journey predictions fit`, or wait for the weekly fit",
}


async def with_forecasts(pool: Pool, company_id: int, document: bytes) -> bytes:
    """Add the model and a forecast for each prediction to the JSON text ``{"total", "more", "predictions"}``.

    A prediction's ``return_probability`` and ``expected_appointments`` (in the next 90 days), ``year_value`` (what the
    customer will spend in the next 365 days), ``model`` and ``inputs`` are all null if there is no model or the
    customer has no visits. Inputs are as of today (UTC). The predictions are ordered by ``expected_value``; the
    statement chose them by the probabilities of the last fit.
    """
    answer = orjson.loads(document)
    newest = await return_models.newest(pool, company_id)
    model = None if newest is None else newest.model
    visits: dict[str, Visits] = {}
    today = datetime.now(UTC).date()
    if model is not None:
        customers = [row["customer_id"] for row in answer["predictions"]]
        visits = await visits_of_customers(pool, company_id, customers, today)
    for row in answer["predictions"]:
        row |= NO_FORECAST
        if newest is not None and model is not None and (history := visits.get(row["customer_id"])):
            row |= {**_forecast(model, history, today.toordinal()), "model": _name(newest)}
        probability = row["return_probability"]
        row["expected_value"] = round((1 if probability is None else probability) * row["lifetime_value"], 2)
    answer["predictions"].sort(key=lambda row: -row["expected_value"])
    summary = NO_MODEL if newest is None else _summary(newest)
    return orjson.dumps({**answer, "model": summary})


def _forecast(model: return_forecast.ReturnModel, visits: Visits, today: int) -> dict[str, Any]:
    found = model.forecast(visits, today)
    appointments, value = found.appointments, found.year_value
    return {
        "return_probability": round(found.return_probability, 4),
        "expected_appointments": None if appointments is None else round(appointments, 4),
        "year_value": None if value is None else {name: round(amount, 2) for name, amount in asdict(value).items()},
        "inputs": {"repeat_days": visits.x, "recency_days": visits.t_x, "age_days": visits.age(today)},
    }


def _summary(model: ReturnModel) -> dict[str, Any]:
    """Describe a version. The reason is only given where there is no model at all."""
    version = {name: value for name, value in asdict(model).items() if name != "forecast"}
    return version if model.model is None else {**version, "reason": None}


def _name(model: ReturnModel) -> dict[str, Any]:
    return {"id": model.id, "version": model.version, "method": model.method, "fitted_at": model.fitted_at}
