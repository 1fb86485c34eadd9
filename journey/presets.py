"""Ready-made stages and rules. The default ones are the seven of the original guide."""

from typing import Any, NamedTuple

from journey.scoring import HIGH_RISK

DEFAULT_STAGES: list[dict[str, Any]] = [
    {
        "stage_key": "prospect",
        "stage_name": "Prospect",
        "description": "Initial contact or inquiry",
        "color": "#94A3B8",
        "icon": "user-plus",
        "kind": "growth",
        "auto_transition_rules": None,
    },
    {
        "stage_key": "lead",
        "stage_name": "Lead",
        "description": "Qualified interest expressed",
        "color": "#60A5FA",
        "icon": "phone",
        "kind": "growth",
        "auto_transition_rules": [
            {"trigger": "call_received", "conditions": {"call_duration": ">60"}},
            {"trigger": "appointment_requested", "conditions": {"call_duration": ">60"}},
        ],
        "actions": ["send_welcome_email", "assign_to_sales_team", "create_follow_up_task"],
    },
    {
        "stage_key": "customer",
        "stage_name": "Customer",
        "description": "First appointment completed",
        "color": "#34D399",
        "icon": "check-circle",
        "kind": "growth",
        "auto_transition_rules": {"trigger": "appointment_completed", "conditions": {}},
        "actions": ["send_onboarding_sequence", "create_feedback_request", "update_crm_status"],
    },
    {
        "stage_key": "regular",
        "stage_name": "Regular Customer",
        "description": "Multiple appointments completed",
        "color": "#10B981",
        "icon": "star",
        "kind": "growth",
        "auto_transition_rules": {"trigger": "appointment_count", "conditions": {"count": ">=3"}},
    },
    {
        "stage_key": "vip",
        "stage_name": "VIP Customer",
        "description": "High-value loyal customer",
        "color": "#8B5CF6",
        "icon": "crown",
        "kind": "growth",
        "role": "vip",
        "auto_transition_rules": {"trigger": "lifetime_value", "conditions": {"value": ">=1000"}},
        "actions": ["assign_dedicated_manager", "send_vip_benefits_email", "create_quarterly_review"],
    },
    {
        "stage_key": "at_risk",
        "stage_name": "At Risk",
        "description": "No recent activity",
        "color": "#F59E0B",
        "icon": "exclamation-triangle",
        "kind": "lapse",
        "role": "at_risk",
        "auto_transition_rules": [
            {"trigger": "days_since_last_appointment", "conditions": {"days": ">90"}},
            {"trigger": "risk_score", "conditions": {"risk": f">{HIGH_RISK}"}},
        ],
        "actions": ["notify_account_manager", "create_retention_campaign", "schedule_check_in_call"],
    },
    {
        "stage_key": "churned",
        "stage_name": "Churned",
        "description": "Lost customer",
        "color": "#EF4444",
        "icon": "x-circle",
        "kind": "lapse",
        "role": "lost",
        "auto_transition_rules": {"trigger": "days_since_last_appointment", "conditions": {"days": ">180"}},
    },
]


class Preset(NamedTuple):
    """Ready-made stages and rules that a company can take over."""

    key: str
    name: str
    description: str
    stages: list[dict[str, Any]]


#: The rules of the inactivity stages in the preset ``rhythm``, instead of those of the default stages.
_RHYTHM_RULES: dict[str, list[dict[str, Any]]] = {
    "at_risk": [
        {"trigger": "overdue_ratio", "conditions": {"overdue_ratio": ">=2", "overdue_days": ">=14"}},
        {"trigger": "days_since_last_appointment", "conditions": {"days": ">90", "has_rhythm": "==0"}},
    ],
    "churned": [
        {"trigger": "overdue_ratio", "conditions": {"overdue_ratio": ">=4", "overdue_days": ">=60"}},
        {"trigger": "days_since_last_appointment", "conditions": {"days": ">180", "has_rhythm": "==0"}},
    ],
}


def presets() -> list[Preset]:
    """Return the ready-made rulebooks, the default one first."""
    rhythm = [
        {**stage, "auto_transition_rules": _RHYTHM_RULES.get(stage["stage_key"], stage["auto_transition_rules"])}
        for stage in DEFAULT_STAGES
    ]
    return [
        Preset(
            "default", "Fixed days", "At risk after 90 days without an appointment, churned after 180", DEFAULT_STAGES
        ),
        Preset(
            "rhythm",
            "Customer's rhythm",
            "At risk when a customer has stayed away for twice as long as usual (and is at least 14 days late), churned"
            " at four times (and at least 60 days late); 90 and 180 days for customers without a rhythm",
            rhythm,
        ),
    ]
