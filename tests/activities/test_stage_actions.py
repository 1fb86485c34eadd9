"""The registry of actions: complete, in step with the names that rules may list, and with the messages that exist."""

from typing import get_args

import pytest

from activities.channels.registry import CHANNELS
from activities.message_catalogue import TEMPLATES
from activities.stage_actions import REGISTRY, Action, CustomerMessage, StaffMessage, WebhookEvent, action, stage_action
from db.outreach.action_context import ActionContext
from journey import actions, outreach
from journey.presets import DEFAULT_STAGES
from tests.support.action_contexts import action_context

STEPS = [actions.step_name(name, step) for name, days in actions.STEPS.items() for step in range(1, len(days) + 1)]


@pytest.mark.parametrize("name", [*REGISTRY, *STEPS])
def test_every_action_has_an_effect_on_a_channel_that_reaches_its_audience(name: str) -> None:
    context = action_context(action=name)
    effect = REGISTRY[context.name].effect(context)
    if isinstance(effect, CustomerMessage | StaffMessage):
        template = TEMPLATES[effect.template]
        assert template.to_staff is isinstance(effect, StaffMessage)
        assert ("staff" if template.to_staff else "customers") in CHANNELS[effect.channel].spec.audiences
    elif isinstance(effect, WebhookEvent):
        assert effect.channel == "webhook"


def test_what_counts_as_marketing_is_said_once() -> None:
    effects = {name: registered.effect(action_context(action=name)) for name, registered in REGISTRY.items()}
    marketing = {name for name, effect in effects.items() if getattr(effect, "marketing", False)}
    assert marketing == {
        "send_vip_benefits_email",
        "campaign_email",
        "campaign_sms",
        "campaign_offer",
        "centre_email",
        "centre_offer",
    }
    for effect in effects.values():
        if isinstance(effect, CustomerMessage):
            assert effect.marketing is TEMPLATES[effect.template].marketing


def test_stages_may_list_exactly_the_stage_actions() -> None:
    internal = {"stage_changed", "ask_attendance"} | {
        name for name in REGISTRY if name.startswith(("campaign_", "centre_"))
    }
    assert set(actions.ACTIONS) == REGISTRY.keys() - internal


def test_every_default_is_a_stage_action() -> None:
    listed = {name for stage in DEFAULT_STAGES for name in stage.get("actions") or ()}
    assert listed == set(actions.ACTIONS)


def test_every_step_of_a_campaign_is_an_action() -> None:
    steps = {f"campaign_{step}" for step in get_args(outreach.CampaignStep)}
    assert steps == {name for name in REGISTRY if name.startswith("campaign_")}


def test_a_stage_action_needs_its_name_in_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    def sing(_: ActionContext) -> CustomerMessage:
        return CustomerMessage("welcome")

    with pytest.raises(ValueError, match=r"add 'sing' to journey\.actions\.ACTIONS"):
        stage_action()(sing)
    monkeypatch.setitem(REGISTRY, "sing", Action(sing))  # so that it is removed again
    action(needs_stage=True)(sing)
    assert REGISTRY["sing"].needs_stage


def test_what_ends_with_the_stage() -> None:
    assert {name for name, registered in REGISTRY.items() if registered.needs_stage} == {
        "create_quarterly_review",
        "create_retention_campaign",
        "campaign_email",
        "campaign_sms",
        "campaign_call",
        "campaign_offer",
    }
