"""Shared by the tests of actions: a customer with consent, staff, and the results."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg

from tests.support.workflow_life import Life

SECRET = "the secret of a test's links"
ALL_DAY = {"quiet_from": "00:00", "quiet_to": "00:00"}  # tests run at night, too


def execute(life: Life, statement: str, *params: Any) -> None:
    with psycopg.connect(life.database_url) as connection:
        connection.execute(statement.encode(), params)


def known(life: Life, **profile: Any) -> None:
    """Give the customer a profile with consent, and the company no quiet hours."""
    fields = {"name": "Ada", "email": "ada@example.com", "phone": "+4930123456", "locale": "en", **profile}
    consent = json.dumps(fields.pop("consent", {"email": True, "sms": True}))
    execute(
        life,
        "insert into customers (company_id, external_id, name, email, phone, locale, consent)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        *[life.company, life.customer, fields["name"], fields["email"], fields["phone"], fields["locale"], consent],
    )
    execute(life, "update companies set settings = %s where id = %s", json.dumps({"outreach": ALL_DAY}), life.company)


def staff(life: Life, role: str, *people: str) -> None:
    for name in people:
        execute(
            life,
            "insert into staff (company_id, name, email, role) values (%s, %s, %s, %s)",
            *[life.company, name, f"{name.lower()}@salon.example", role],
        )


def actions(life: Life) -> dict[str, dict[str, Any]]:
    """Return each action's row by name."""
    rows = life.rows("select * from journey_actions where company_id = %(company)s order by id")
    return {row["action"]: row for row in rows}


def statuses(life: Life) -> dict[str, str]:
    return {name: row["status"] for name, row in actions(life).items()}


def attempts(life: Life, action: str) -> list[str]:
    rows = life.rows(
        "select j.action, t.outcome from action_attempts t join journey_actions j on j.id = t.action_id"
        " where t.company_id = %(company)s order by t.id"
    )
    return [row["outcome"] for row in rows if row["action"] == action]


def tasks(life: Life) -> list[dict[str, Any]]:
    return life.rows(
        "select t.*, s.name as staff from tasks t left join staff s on s.id = t.assigned_to"
        " where t.company_id = %(company)s order by t.id"
    )


def mails(outbox: Path) -> list[EmailMessage]:
    files = sorted(outbox.glob("*.eml")) if outbox.exists() else []
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
