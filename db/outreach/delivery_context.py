"""What outreach needs to know beyond the customer: endpoints, a company's own templates, who of the staff is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """Where a company wants to be told; two secrets while they are being rotated."""

    id: int
    url: str
    secret: str
    previous_secret: str | None


async def endpoints(pool: Pool, company_id: int) -> list[EndpointRow]:
    """The endpoints that are on, oldest first."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select id, url, secret, previous_secret from webhook_endpoints"
        " where company_id = %s and is_active order by id",
        [company_id],
    )
    return [EndpointRow(*row) for row in rows]


async def switch_off(pool: Pool, company_id: int, endpoint_id: int, at: datetime, reason: str) -> None:
    """Switch an endpoint off, with the reason, which stays to be read."""
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
    """The company's own (subject, HTML, text) of a message, in the first of these locales that it has; or None."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select subject, html, text from message_templates where company_id = %s and name = %s and locale = any(%s)"
        " order by array_position(%s::text[], locale) limit 1",
        [company_id, name, list(locales), list(locales)],
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def staff_address(pool: Pool, company_id: int, relationship_id: int, role: str) -> tuple[str, str] | None:
    """(name, e-mail address) of who looks after a customer in a role, else of the first active person who has it."""
    rows = await tenant_rows(
        pool,
        company_id,
        """
        select s.name, s.email from staff s
          left join assignments a on a.staff_id = s.id and a.relationship_id = %s and a.role = s.role
         where s.company_id = %s and s.role = %s and s.is_active and s.email is not null
         order by a.id is null, s.id limit 1
        """,
        [relationship_id, company_id, role],
    )
    return (rows[0][0], rows[0][1]) if rows else None
