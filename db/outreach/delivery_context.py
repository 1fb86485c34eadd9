"""What delivery needs besides the `ActionContext`: endpoints, a company's own templates, and staff contacts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.connections import Pool, tenant_rows
from db.outreach.action_context import ActionContext


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A company's webhook endpoint; it has two secrets while they are being rotated."""

    id: int
    url: str
    secret: str
    previous_secret: str | None


async def endpoints(pool: Pool, company_id: int) -> list[EndpointRow]:
    """Return the active endpoints, oldest first."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select id, url, secret, previous_secret from webhook_endpoints"
        " where company_id = %s and is_active order by id",
        [company_id],
    )
    return [EndpointRow(*row) for row in rows]


async def disable_endpoint(pool: Pool, company_id: int, endpoint_id: int, at: datetime, reason: str) -> None:
    """Disable an endpoint and store the reason."""
    await tenant_rows(
        pool,
        company_id,
        "update webhook_endpoints set is_active = false, disabled_at = %s, disabled_reason = %s"
        " where company_id = %s and id = %s and is_active returning id",
        [at, reason, company_id, endpoint_id],
    )


async def template(
    pool: Pool, company_id: int, name: str, locales: Sequence[str]
) -> tuple[str, str | None, str] | None:
    """Return the company's own subject, HTML and text of a message, in the first of these locales that it has."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select subject, html, text from message_templates where company_id = %s and name = %s and locale = any(%s)"
        " order by array_position(%s::text[], locale) limit 1",
        [company_id, name, list(locales), list(locales)],
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def staff_contact(pool: Pool, context: ActionContext, role: str) -> tuple[str, str] | None:
    """Return name and e-mail address of the person assigned to the customer in a role, else of the first in the role.

    Only active people with an e-mail address count.
    """
    rows = await tenant_rows(
        pool,
        context.company_id,
        """
        select s.name, s.email from staff s
          left join assignments a on a.staff_id = s.id and a.relationship_id = %s and a.role = s.role
         where s.company_id = %s and s.role = %s and s.is_active and s.email is not null
         order by a.id is null, s.id limit 1
        """,
        [context.relationship_id, context.company_id, role],
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def assigned_name(pool: Pool, context: ActionContext, role: str) -> str | None:
    """Return the name of the active person assigned to the customer in a role."""
    rows = await tenant_rows(
        pool,
        context.company_id,
        "select s.name from assignments a join staff s on s.id = a.staff_id"
        " where a.company_id = %s and a.relationship_id = %s and a.role = %s and s.is_active",
        [context.company_id, context.relationship_id, role],
    )
    return rows[0][0] if rows else None
