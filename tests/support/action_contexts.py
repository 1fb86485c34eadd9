"""An action's context without a database."""

from typing import Any

from db.outreach.action_context import ActionContext
from journey.actions import parse_action_ref
from journey.outreach import Outreach, Profile
from journey.time import Micros

NOON = Micros(1_773_316_800_000_000)  # 2026-03-12T12:00:00Z in µs


def action_context(**given: Any) -> ActionContext:
    """Return a context of the action ``action``; every other field has a default."""
    number, action = given.get("transition_number", 1), given.get("action", "send_welcome_email")
    action_ref = f"{number}:{action}"
    _, name, step = parse_action_ref(action_ref)
    fields: dict[str, Any] = {
        "now": NOON,
        "company_id": 1,
        "company_name": "Salon Ada",
        "outreach": Outreach(),
        "customer_id": "c-1001",
        "profile": Profile(name="Ada", email="ada@example.com", phone="+4930123456"),
        "marketing_sent": [],
        "action_id": 1,
        "action_key": f"1:c-1001:{action_ref}",
        "action_ref": action_ref,
        "action": action,
        "name": name,
        "step": step,
        "stage": "lead",
        "transition_number": number,
        "transition": {},
        "status": "pending",
        "detail": {},
        "relationship_id": 1,
        "current_stage": "lead",
        "current_transition_number": number,
        "rules_version": 1,
        "journey_facts": {"last_appointment_at": "2025-12-11T12:00:00+00:00", "risk_score": 0.6},
    }
    return ActionContext(**{**fields, **given})
