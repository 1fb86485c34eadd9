"""Print why a customer is, or was, in a stage."""

from datetime import UTC, datetime
from typing import Any

from rich.markup import escape

from cli.database import pool_for
from cli.output import console, print_json, print_not_found, print_rows
from db.journeys import whole_journey
from db.journeys.rulebooks import RulebookCache
from db.people import aliases
from journey.explain import explain
from journey.past import explain_past
from journey.time import aware_datetime, to_micros
from settings import Settings


async def show_customer(settings: Settings, company: int, customer: str, as_of: str | None, *, as_json: bool) -> int:
    """Print a journey explained; returns 1 if there was none.

    Raises:
        ValueError: The company does not exist, or the instant is invalid.
    """
    now = datetime.now(UTC)
    instant = now if as_of is None else _instant(as_of, now)
    async with pool_for(settings, company) as pool:
        current = await aliases.resolve(pool, company, customer)
        try:
            stored = await whole_journey.load(pool, RulebookCache(), company, current)
        except whole_journey.TooManyEvents:
            raise ValueError(f"the journey has more than {whole_journey.MAX_EVENTS} events") from None
    if stored is None:
        return print_not_found(f"Company {company} has no customer {customer} with a journey")
    if as_of is None:
        found: dict[str, Any] | None = explain(stored.state, stored.rulebook, to_micros(now))
    else:
        found = explain_past(stored.record, to_micros(instant))
    if found is None:
        return print_not_found(f"Customer {current} had no journey at {as_of}")
    found = {"customer_id": current, **found}
    found.pop("transition_number", None)
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 0


def _instant(text: str, now: datetime) -> datetime:
    moment = aware_datetime(text)
    if moment is not None and moment <= now:
        return moment
    raise ValueError(f"--as-of {text!r} is not a time with an offset between 1900 and now, like 2026-03-12T09:00:00Z")


def _print(found: dict[str, Any]) -> None:
    when = f" on {_minute(found['as_of'])}" if "as_of" in found else ""
    console.print(f"Customer {found['customer_id']}{when}: [bold]{escape(str(found['stage_name']))}[/bold]")
    before = f", before that {found['previous_stage']}" if found["previous_stage"] else ""
    console.print(f"  since {_minute(found['entered_at'])}, because of {found['trigger_event']}{before}")
    if "rules_version" in found:
        console.print(f"  by version {found['rules_version']} of the rules")
    if found["hold"]:
        console.print(f"  held until {found['hold']['until'] or 'it is released'}")
    facts = found["facts"]
    console.print(f"  {facts['total_appointments']} appointments, lifetime value {facts['lifetime_value']}")
    for name, score in found["scores"].items():
        console.print(f"  {name} {score['score']}: " + "; ".join(each["because"] for each in score["factors"]))
    holding = [stage["stage_key"] for stage in found["rules"] if stage["holds"]]
    console.print(f"  stages whose rules hold: {', '.join(holding) or 'none'}")
    for deadline in found["deadlines"]:
        console.print(f"  next: {escape(deadline['sentence'])}")
    if found.get("today"):
        console.print("By what is known today, this would be:")
        print_rows(found["today"]["differences"], "")


def _minute(text: str) -> str:
    return f"{text[:16].replace('T', ' ')} UTC"
