"""Every variable that a template may use is documented once, has an example, and gets a value."""

import dataclasses
import itertools
import re
from datetime import timedelta
from pathlib import Path

import pytest

from activities.channels import NotDelivered
from activities.message_catalogue import TEMPLATES
from activities.previews import preview
from activities.template_variables import VARIABLES, MessageSource, values_of
from db.outreach.action_context import ActionContext
from db.people import assignments
from journey.outreach import Profile
from tests.support.action_contexts import action_context

SECRET = "the secret of the test"
AT_RISK = action_context(transition={"trigger_event": "days_since_last_appointment"})


@pytest.fixture(autouse=True)
def manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only value that is read from Postgres; ``tests/workflows/test_actions.py`` reads it for real."""

    async def find_assigned_name(_pool: object, _company_id: int, _relationship_id: int, role: str) -> str:
        return f"Mara the {role}"

    monkeypatch.setattr(assignments, "find_assigned_name", find_assigned_name)


def source(context: ActionContext = AT_RISK, link_secret: str | None = SECRET) -> MessageSource:
    pool: object = None
    return MessageSource(context, "email", pool, "https://salon.example", link_secret, "Ben")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TEMPLATES)
async def test_every_documented_variable_is_filled(name: str) -> None:
    template = TEMPLATES[name]
    values = await values_of(template.variables, source())
    assert values.keys() == template.variables.keys() == {*template.required, *template.optional}
    assert [variable for variable, value in values.items() if value in (None, "")] == []


async def test_the_values() -> None:
    values = await values_of(VARIABLES, source())
    links = {variable: str(values.pop(variable)) for variable in [*values] if variable.endswith("_url")}
    code = str(values.pop("offer_code"))
    assert code.startswith("BACK-")
    assert values == {
        "company_name": "Salon Ada",
        "name": "Ada",
        "offer_percent": 15,
        "offer_until": "11 April 2026",
        "manager_name": "Mara the manager",
        "staff_name": "Ben",
        "customer_name": "Ada",
        "customer_id": "c-1001",
        "days_inactive": 91,
        "risk": 0.6,
        "reason": "days_since_last_appointment",
    }
    assert links.pop("dashboard_url") == "https://salon.example/customers/c-1001"
    assert {variable: link.rpartition("/")[0] for variable, link in links.items()} == {
        "unsubscribe_url": "https://salon.example/u",
        "feedback_url": "https://salon.example/f",
    }


async def test_an_appointment_a_few_minutes_ahead_is_zero_days_ago() -> None:
    last = (AT_RISK.at + timedelta(seconds=290)).isoformat()
    context = dataclasses.replace(AT_RISK, journey_facts={**AT_RISK.journey_facts, "last_appointment_at": last})
    assert await values_of({"days_inactive": ""}, source(context)) == {"days_inactive": 0}


async def test_a_customer_id_cannot_change_a_link() -> None:
    context = dataclasses.replace(AT_RISK, customer_id="a:b@c")
    assert await values_of({"dashboard_url": ""}, source(context)) == {
        "dashboard_url": "https://salon.example/customers/a%3Ab%40c"
    }


async def test_without_a_secret_no_link_is_signed_and_staff_messages_need_none() -> None:
    for name, template in TEMPLATES.items():
        if template.to_staff:
            assert (await values_of(template.variables, source(link_secret=None)))["staff_name"] == "Ben", name
        else:
            with pytest.raises(NotDelivered, match="LINK_SECRET"):
                await values_of(template.variables, source(link_secret=None))


async def test_what_is_unknown_is_empty() -> None:
    context = action_context(profile=Profile(), journey_facts={"last_appointment_at": None, "risk_score": None})
    values = await values_of(TEMPLATES["account_manager"].variables, source(context))
    assert {variable for variable, value in values.items() if value is None} == {
        "customer_name",
        "days_inactive",
        "risk",
        "reason",
    }


def test_every_variable_is_used_by_a_message_and_has_an_example() -> None:
    assert {variable for template in TEMPLATES.values() for variable in template.variables} == VARIABLES.keys()
    for name, template in TEMPLATES.items():
        text = preview(name, "en", "Salon Ada").text
        for variable in template.required.keys() - {"company_name"}:
            assert VARIABLES[variable].example in text


def test_the_documentation_lists_every_variable() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "actions.md").read_text().splitlines()
    rows = lines[lines.index("| variable | value |") :]
    table = itertools.takewhile(lambda line: line.startswith("|"), rows)
    documented = {name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert documented == VARIABLES.keys()
