"""Why a customer is on the call list or the due list, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def call_reason(row: Mapping[str, Any], currency: str) -> str:
    """Return the reason of a row of the call list, with the numbers of its value at stake.

    Args:
        row: A row of the call list. Numbers that are unknown are None.
        currency: The company's currency (ISO 4217).
    """
    interval, amount, days = row["usual_interval_days"], row["mean_amount"], row["days_since_last_visit"]
    if interval is not None and amount is not None:
        known = f"usually comes every {_days(interval)} and spends about {money_text(amount, currency)}"
    elif interval is not None:
        known = f"usually comes every {_days(interval)}"
    else:
        known = f"no usual interval yet; {money_text(row['value_per_year'], currency)} a year so far"
    since = "no visit yet" if days is None else f"{_days(days)} since the last visit"
    probability = row["return_probability"]
    returns = (
        "no forecast of a return yet" if probability is None else f"returns without help with {_percent(probability)}"
    )
    return f"{known}; {since}; {returns}"


def due_reason(row: Mapping[str, Any], expected: date, service: str | None) -> str:
    """Return the reason of a row of the due list.

    Args:
        row: A row of the due list.
        expected: The day of the expected visit.
        service: The service whose rhythm says so; None for the rhythm of all visits.
    """
    interval = row["usual_interval_days"]
    rhythm = f"comes for {service} at regular intervals" if service else "comes at regular intervals"
    if interval is not None:
        rhythm = f"usually comes {f'for {service} ' if service else ''}every {_days(interval)}"
    return f"{rhythm}; expected on {expected.day} {expected:%B}; no appointment booked"


def money_text(amount: float, currency: str) -> str:
    """Return an amount in whole units, below 10 with cents."""
    shown = f"{amount:,.0f}" if amount >= 10 or amount == round(amount) else f"{amount:.2f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{shown}" if symbol else f"{shown} {currency}"


def _days(number: float) -> str:
    shown = int(number + 0.5)
    return f"{shown} day" if shown == 1 else f"{shown} days"


def _percent(share: float) -> str:
    return f"{int(share * 100 + 0.5)} %"
