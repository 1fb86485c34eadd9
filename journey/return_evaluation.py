"""How well probabilities of return agreed with what customers then did. Loads numpy and scipy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

GROUPS = 10  # deciles of the forecast


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Forecasts held against later visits.

    Attributes:
        customers: How many were forecast.
        came: The share of them that came within the horizon.
        horizon: Days.
        auc: The chance that one who came had a higher forecast than one who did not; 0.5 is no ranking at all.
        brier: Mean squared error; 0 is perfect.
        calibration_error: Mean distance of forecast and share that came, over deciles of the forecast.
    """

    customers: int
    came: float
    horizon: int
    auc: float
    brier: float
    calibration_error: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures, rounded."""
        return {
            "customers": self.customers,
            "came": round(self.came, 4),
            "horizon_days": self.horizon,
            "auc": round(self.auc, 4),
            "brier": round(self.brier, 4),
            "calibration_error": round(self.calibration_error, 4),
        }


Came: TypeAlias = NDArray[np.bool_]


def evaluate(forecasts: NDArray[np.float64], came: Came, horizon: int) -> Evaluation:
    """Compare forecasts, shape (n,), with whether each customer came, shape (n,)."""
    return Evaluation(
        customers=len(came),
        came=float(came.mean()),
        horizon=horizon,
        auc=area_under_curve(forecasts, came),
        brier=float(np.mean((forecasts - came) ** 2)),
        calibration_error=calibration_error(forecasts, came),
    )


def area_under_curve(forecasts: NDArray[np.float64], came: Came) -> float:
    """Return the chance that one who came has a higher forecast than one who did not (ties count half)."""
    yes = int(came.sum())
    ranks = rankdata(forecasts)[came]
    return float((ranks.sum() - yes * (yes + 1) / 2) / (yes * (len(came) - yes)))


def calibration_error(forecasts: NDArray[np.float64], came: Came) -> float:
    """Return the expected calibration error over deciles of the forecast."""
    groups = np.array_split(np.argsort(forecasts, kind="stable"), GROUPS)
    return sum(
        len(group) / len(came) * abs(float(came[group].mean()) - float(forecasts[group].mean()))
        for group in groups
        if len(group)
    )
