"""Which workflows have messages that a change of the customer's profile may allow."""

from dataclasses import dataclass

from db.connections import Pool, tenant_rows

# A pending action that is due is being tried at this moment, perhaps with the profile as it was before the change.
_FIND = """
select coalesce(bool_or(w.campaign is null), false),
       coalesce(array_agg(distinct w.campaign) filter (where w.campaign is not null), '{}')
  from (select (select c.n from retention_campaigns c
                 where c.relationship_id = a.relationship_id and c.entry = a.entry and c.status = 'running'
                   and a.status <> 'suppressed' and a.action like 'campaign\\_%%') as campaign
          from customers u
          join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
          join journey_actions a on a.relationship_id = r.id
         where u.company_id = %(company)s and u.external_id = %(customer)s
           and (a.status = 'waiting' and a.detail ->> 'waits_for' = 'profile'
                or a.status = 'pending' and a.due_at <= now()
                or a.status = 'suppressed' and (a.detail ->> 'profile_until')::bigint
                                               > extract(epoch from now()) * 1000000)) w
"""


@dataclass(frozen=True, slots=True)
class ProfileWaits:
    """The workflows of one customer that have to know that the profile has changed.

    Attributes:
        journey: Whether the journey does.
        campaigns: The numbers of the running campaigns that do.
    """

    journey: bool
    campaigns: tuple[int, ...]


async def find_profile_waits(pool: Pool, company_id: int, customer_id: str) -> ProfileWaits:
    """Find the workflows with messages of this customer that wait for the profile, or are being sent right now."""
    rows = await tenant_rows(pool, company_id, _FIND, {"company": company_id, "customer": customer_id})
    journey, campaigns = rows[0]
    return ProfileWaits(journey, tuple(campaigns))
