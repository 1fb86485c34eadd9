"""Add return forecasts to churn predictions: the company's newest model applied to each customer's visits."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import orjson

from db.analytics import return_models
from db.analytics.return_models import ReturnModel
from db.analytics.visit_history import VisitSummary, visit_summaries
from db.connections import Pool
from journey.bgnbd import FORECAST_DAYS, METHOD, Model, expected_appointments, probability_of_return

NO_FORECAST = {"return_probability": None, "expected_appointments": None, "model": None, "inputs": None}
NO_MODEL = {
    **dict.fromkeys(field.name for field in fields(ReturnModel)),
    "method": METHOD,
    "reason": "no model was fitted yet; run `journey predictions fit`, or wait for the weekly fit",
}


async def with_forecasts(pool: Pool, company_id: int, document: bytes) -> bytes:
    """Add the model and a forecast for each prediction to the JSON text ``{"total", "more", "predictions"}``.

    A prediction's ``return_probability``, ``expected_appointments`` (in the next 90 days), ``model`` and ``inputs`` are
    all null if there is no model or the customer has no visits. Inputs are as of today (UTC). The predictions are
    ordered by ``expected_value``; the statement chose them by the probabilities of the last fit.
    """
    answer = orjson.loads(document)
    newest = await return_models.newest(pool, company_id)
    model = None if newest is None else newest.model
    visits: dict[str, VisitSummary] = {}
    if model is not None:
        customers = [row["customer_id"] for row in answer["predictions"]]
        visits = await visit_summaries(pool, company_id, customers, datetime.now(UTC).date())
    for row in answer["predictions"]:
        row |= NO_FORECAST
        if newest is not None and model is not None and (history := visits.get(row["customer_id"])):
            row |= {**_forecast(model, history), "model": _name(newest)}
        probability = row["return_probability"]
        row["expected_value"] = round((1 if probability is None else probability) * row["lifetime_value"], 2)
    answer["predictions"].sort(key=lambda row: -row["expected_value"])
    summary = NO_MODEL if newest is None else asdict(newest)
    return orjson.dumps({**answer, "model": summary})


def _forecast(model: Model, visits: VisitSummary) -> dict[str, Any]:
    return {
        "return_probability": round(probability_of_return(model, *visits, FORECAST_DAYS), 4),
        "expected_appointments": round(expected_appointments(model, *visits, FORECAST_DAYS), 4),
        "inputs": {"repeat_days": visits.x, "recency_days": visits.t_x, "age_days": visits.age},
    }


def _name(model: ReturnModel) -> dict[str, Any]:
    return {"id": model.id, "version": model.version, "method": model.method, "fitted_at": model.fitted_at}
