"""Why a task exists, in words that do not name the customer. The dates are those of the company's time zone."""

from datetime import datetime

from activities.template_variables import date_text
from db.outreach.action_context import ActionContext
from journey.quiet_hours import zone_of


def last_visit(context: ActionContext) -> str:
    """Return when the customer last came."""
    at = context.journey_facts.get("last_appointment_at")
    return f"last visit on {_day(context, at)}" if at else "no visit yet"


def stage_entered(context: ActionContext) -> str:
    """Return since when the customer has been in the stage that caused the task."""
    at = context.transition.get("transitioned_at")
    stage = context.stage.replace("_", " ")
    return f"{stage} since {_day(context, at)}" if at else stage


def booked_for(context: ActionContext) -> str:
    """Return when the appointment was booked that has no outcome."""
    at = context.detail.get("scheduled_for")
    return f"booked for {_day(context, at)}" if at else "an appointment without an outcome"


def contacted(context: ActionContext) -> str:
    """Return what came of the contact after which the next step was planned."""
    outcome, at = context.detail.get("outcome"), context.detail.get("contacted_at")
    return f"{outcome.replace('_', ' ')} on {_day(context, at)}" if outcome and at else "agreed on in a contact"


def _day(context: ActionContext, timestamp: str) -> str:
    zone = zone_of(context.outreach.time_zone) or zone_of("UTC")
    return date_text(datetime.fromisoformat(timestamp).astimezone(zone).date())
