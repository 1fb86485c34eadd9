"""Analytics goes by the roles of stages, not by their keys; existing stages get their roles by migration."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
from alembic import command
from sqlalchemy import create_engine

from db.analytics import journey_analytics
from db.analytics.churn_predictions import ChurnSearch, churn_predictions
from db.analytics.journey_analytics import AnalyticsQuery
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.schema import migrate
from journey.event_validation import parse
from journey.events import Event
from journey.presets import DEFAULT_STAGES
from journey.stages import Rulebook
from journey.time import to_micros
from tests.support.journey_rows import insert_company

NOW = datetime.now(UTC).replace(microsecond=0)
OTHER_KEYS = {"at_risk": "quiet", "churned": "gone", "vip": "gold"}


def visit(customer: str, days_ago: float, amount: str = "10.00") -> Event:
    """A completed appointment of so many days ago."""
    at = (NOW - timedelta(days=days_ago)).isoformat()
    head = {"id": f"{customer}-{days_ago}", "type": "appointment.completed", "customer_id": customer}
    return parse(orjson.dumps({**head, "occurred_at": at, "amount": amount}))


async def figures(pool: Pool, rulebook: Rulebook) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary, and the churn predictions without the stage's key and name."""
    summary = await journey_analytics.summary(pool, 1, AnalyticsQuery(rulebook.all_stages))
    churn = json.loads(await churn_predictions(pool, 1, rulebook, ChurnSearch(limit=10)))
    assert churn["total"] == len(churn["predictions"])
    return summary, [{k: v for k, v in row.items() if "stage" not in k} for row in churn["predictions"]]


async def test_other_keys_with_the_same_roles_give_the_same_figures(pool: Pool, database_url: str) -> None:
    histories = [[visit("new", 3)], [visit("rich", 5, "2000.00")], [visit("back", 200), visit("back", 1)]]
    insert_company(database_url, 1, [*histories, [visit("quiet", 100)], [visit("lost", 200)]], to_micros(NOW))
    by_default = await figures(pool, await RulebookCache().latest(pool, 1))
    assert (by_default[0]["at_risk_count"], by_default[0]["vip_count"]) == (1, 1)
    assert [row["customer_id"] for row in by_default[1]] == ["quiet"]
    with psycopg.connect(database_url) as connection:
        for order, stage in enumerate(DEFAULT_STAGES):
            key = OTHER_KEYS.get(stage["stage_key"], stage["stage_key"])
            connection.execute(
                "insert into customer_journey_stages (company_id, stage_key, stage_name, order_index, kind, role)"
                " values (1, %s, %s, %s, %s, %s)",
                [key, key, order, stage["kind"], stage.get("role")],
            )
        for old, new in OTHER_KEYS.items():
            for table, columns in {
                "customer_relationships": ("current_stage", "next_stage"),
                "journey_transitions": ("from_stage", "to_stage"),
            }.items():
                for column in columns:
                    connection.execute(f"update {table} set {column} = %s where {column} = %s".encode(), [new, old])
    assert await figures(pool, await RulebookCache().latest(pool, 1)) == by_default


def test_existing_stages_get_the_roles_of_their_keys(two_companies: str) -> None:
    with create_engine(migrate.sqlalchemy_url(two_companies)).begin() as connection:
        command.downgrade(migrate.configuration(connection), "0009")
    stages = [
        ("at_risk", "lapse", "at_risk"),
        ("churned", "lapse", "lost"),
        ("vip", "growth", "vip"),
        ("lead", "growth", None),
    ]
    with psycopg.connect(two_companies) as superuser:
        for company, other_kinds in ((1, False), (2, True)):
            for key, kind, _ in stages:
                kind = {"lapse": "growth", "growth": "lapse"}[kind] if other_kinds else kind
                superuser.execute(
                    "insert into customer_journey_stages (company_id, stage_key, stage_name, order_index, kind)"
                    " values (%s, %s, '', 2, %s)",
                    [company, key, kind],
                )
    assert migrate.upgrade(two_companies)
    with psycopg.connect(two_companies) as superuser:
        rows = superuser.execute(
            "select company_id, stage_key, role from customer_journey_stages where order_index = 2 order by id"
        ).fetchall()
    assert rows == [(1, key, role) for key, _, role in stages] + [(2, key, None) for key, _, _ in stages]
