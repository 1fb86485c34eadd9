"""What an action waits for, and what has become of the task or campaign that it created, as SQL columns."""

from typing import LiteralString

from psycopg import sql

_COLUMNS: LiteralString = (
    "case when {a}.status = 'waiting' then coalesce({a}.detail ->> 'waits_for', 'quiet_hours') end as waits_for,"
    " coalesce((select work.status from tasks work"
    " where work.company_id = {a}.company_id and work.id = ({a}.detail ->> 'task')::bigint),"
    " (select work.status from retention_campaigns work"
    " where work.relationship_id = {a}.relationship_id and work.n = ({a}.detail ->> 'campaign')::int)) as work_status"
)


def progress_columns(alias: LiteralString) -> sql.Composed:
    """Return the columns ``waits_for`` and ``work_status`` of the table ``journey_actions`` with this alias."""
    return sql.SQL(_COLUMNS).format(a=sql.SQL(alias))
