"""Beside each churn prediction, whether the customer comes back: by the company's newest model, from his own visits."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import orjson

from db.analytics import return_models
from db.analytics.return_models import ReturnModel
from db.analytics.visit_history import VisitSummary, visit_summaries
from db.connections import Pool
from journey.bgnbd import METHOD, Model, expected_appointments, probability_of_return

DAYS = 90  # that are looked ahead
NONE = {"return_probability": None, "expected_appointments": None, "model": None, "inputs": None}
NEVER = {
    **dict.fromkeys(field.name for field in fields(ReturnModel)),
    "method": METHOD,
    "reason": "no model was fitted yet: it is done every week, and by `journey predictions fit`",
}


async def with_forecasts(pool: Pool, company_id: int, document: bytes) -> bytes:
    """Add a ``model`` and each prediction's forecast to ``{"total", "more", "predictions"}``, passed as JSON text.

    A prediction's ``return_probability``, ``expected_appointments`` (of the next 90 days), ``model`` and ``inputs`` are
    null together: where there is no model, or the customer never came. Its inputs are those of today (UTC).
    """
    found = orjson.loads(document)
    newest = await return_models.newest(pool, company_id)
    model = None if newest is None else newest.model
    visits: dict[str, VisitSummary] = {}
    if model is not None:
        customers = [row["customer_id"] for row in found["predictions"]]
        visits = await visit_summaries(pool, company_id, customers, datetime.now(UTC).date())
    for row in found["predictions"]:
        row |= NONE
        if newest is not None and model is not None and (known := visits.get(row["customer_id"])):
            row |= {**_forecast(model, known), "model": _name(newest)}
    about = NEVER if newest is None else asdict(newest)
    return orjson.dumps({**found, "model": about})


def _forecast(model: Model, visits: VisitSummary) -> dict[str, Any]:
    return {
        "return_probability": round(probability_of_return(model, *visits, DAYS), 4),
        "expected_appointments": round(expected_appointments(model, *visits, DAYS), 4),
        "inputs": {"repeat_days": visits.x, "recency_days": visits.t_x, "age_days": visits.age},
    }


def _name(model: ReturnModel) -> dict[str, Any]:
    return {"id": model.id, "version": model.version, "method": model.method, "fitted_at": model.fitted_at}
