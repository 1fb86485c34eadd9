"""The schema: every table as a SQLAlchemy model.

The models document the schema; the migrations create it. `tests/db/test_schema.py` fails if the two differ. Queries are
SQL over psycopg. Over 300 lines, because a schema should be readable in one file.

Conventions: money is numeric(18,2), a score is numeric(3,2) from 0 to 1, an instant is timestamptz. Every table except
`companies` has a `company_id`. References within a tenant include it, (company_id, x_id) → (company_id, id): foreign
keys bypass row-level security, and a bare id could refer to a row of another company.
"""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CompanyId = Annotated[int, mapped_column(BigInteger)]
Reference = Annotated[int, mapped_column(BigInteger)]
StageKey = Annotated[str, mapped_column(String(50))]
Stamp = Annotated[datetime, mapped_column(server_default=func.now())]
Money = Annotated[Decimal, mapped_column(Numeric(18, 2))]
Score = Annotated[Decimal, mapped_column(Numeric(3, 2))]
Settings = Annotated[dict[str, Any], mapped_column(server_default=text("'{}'::jsonb"))]


_INACTIVE_SINCE = (
    "COALESCE(last_appointment_at, to_timestamp((state #>> '{f,e}'::text[])::double precision))"  # of a journey
)


# Of a journey, with the line breaks that Postgres adds; `db/analytics/call_list.py` orders by it.
_VALUE_AT_STAKE = """round(
CASE
    WHEN usual_interval > 0 AND total_appointments > 0 \
THEN COALESCE(mean_amount, lifetime_value / total_appointments) * 365 / usual_interval
    ELSE lifetime_value / GREATEST(1, EXTRACT(epoch FROM decided_at - created_at) / 31557600)
END * (1 - COALESCE(return_probability, 0)), 2)"""


class Base(DeclarativeBase):
    """Names constraints as Postgres does by default, so that the SQL of a migration can omit them."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
    }


class TriggerType(enum.Enum):
    """What caused a transition: a user, an event or rule, or the system (start, change of rules, erasure)."""

    manual = "manual"
    automatic = "automatic"
    system = "system"


def _of_customer() -> SchemaItem:
    return ForeignKeyConstraint(["company_id", "customer_id"], ["customers.company_id", "customers.id"])


def _of_relationship() -> SchemaItem:
    return ForeignKeyConstraint(
        ["company_id", "relationship_id"], ["customer_relationships.company_id", "customer_relationships.id"]
    )


def _of_key() -> SchemaItem:
    return ForeignKeyConstraint(["company_id", "key_id"], ["api_keys.company_id", "api_keys.id"])


class Company(Base):
    """A tenant. `settings` overrides defaults of the rulebook; `rules_version` increases with every rule change."""

    __tablename__ = "companies"

    id: Mapped[Id]
    name: Mapped[str]
    settings: Mapped[Settings]
    rules_version: Mapped[int] = mapped_column(server_default=text("1"))
    rules_changed_at: Mapped[Stamp]
    created_at: Mapped[Stamp]


class CompanyMedian(Base):
    """A record of a company's median gaps between visits, in days: of all customers, and by service.

    `rules_version` is that of the company's rules when it was written.
    """

    __tablename__ = "company_medians"
    __table_args__ = (ForeignKeyConstraint(["company_id"], ["companies.id"]),)

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    counts_from: Mapped[datetime]
    rules_version: Mapped[int]
    gap: Mapped[Decimal | None] = mapped_column(Numeric(9, 3))
    services: Mapped[dict[str, Any]]
    created_at: Mapped[Stamp]


class JourneyStage(Base):
    """A company's own stages and rules. A company without rows here has the defaults of `journey/stages.py`."""

    __tablename__ = "customer_journey_stages"
    __table_args__ = (
        UniqueConstraint("company_id", "stage_key", name="unique_company_stage"),
        CheckConstraint("kind in ('growth', 'lapse')", name="kind"),
        CheckConstraint("role in ('at_risk', 'lost', 'vip')", name="role"),
        Index("idx_company_order", "company_id", "order_index"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    stage_key: Mapped[StageKey]
    stage_name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    order_index: Mapped[int]
    color: Mapped[str | None] = mapped_column(String(7))
    icon: Mapped[str | None] = mapped_column(String(50))
    auto_transition_rules: Mapped[dict[str, Any] | None]
    retention_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    kind: Mapped[str] = mapped_column(server_default=text("'growth'"))
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    actions: Mapped[list[str] | None] = mapped_column(JSONB)
    role: Mapped[str | None] = mapped_column(String(20))


class RulebookVersion(Base):
    """A version of a company's stages (null: the defaults) and scoring. Append-only: a trigger refuses changes."""

    __tablename__ = "rulebook_versions"
    __table_args__ = (
        PrimaryKeyConstraint("company_id", "version"),
        CheckConstraint("version >= 1", name="version"),
    )

    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    version: Mapped[int]
    effective_at: Mapped[datetime]
    stages: Mapped[dict[str, Any] | None]
    scoring: Mapped[dict[str, Any] | None]
    runs_actions: Mapped[bool] = mapped_column(server_default=text("false"))
    actor: Mapped[str]
    reason: Mapped[str | None]
    restores: Mapped[int | None]
    preview_id: Mapped[int | None] = mapped_column(BigInteger)


class RulePreview(Base):
    """A preview of changed rules: every stage and the scoring after the change, and its result. Kept for a day.

    `medians` are the company's median gaps between visits for the past, if it has none on record.
    """

    __tablename__ = "rule_previews"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        CheckConstraint("base_version >= 1", name="base_version"),
        CheckConstraint("status in ('running', 'complete', 'failed')", name="status"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    created_at: Mapped[Stamp]
    actor: Mapped[str]
    base_version: Mapped[int]
    stages: Mapped[dict[str, Any]]
    scoring: Mapped[dict[str, Any]]
    as_of: Mapped[datetime]
    since: Mapped[datetime | None]
    medians: Mapped[dict[str, Any] | None]
    status: Mapped[str] = mapped_column(server_default=text("'running'"))
    reason: Mapped[str | None]
    total: Mapped[int | None]
    result: Mapped[dict[str, Any] | None]


class RulePreviewChunk(Base):
    """What a preview has found for one chunk of the journeys, until all of them are added up."""

    __tablename__ = "rule_preview_chunks"
    __table_args__ = (
        PrimaryKeyConstraint("company_id", "preview_id", "chunk"),
        ForeignKeyConstraint(
            ["company_id", "preview_id"], ["rule_previews.company_id", "rule_previews.id"], ondelete="CASCADE"
        ),
    )

    company_id: Mapped[CompanyId]
    preview_id: Mapped[int] = mapped_column(BigInteger)
    chunk: Mapped[int]
    looked: Mapped[int]
    result: Mapped[dict[str, Any]]


class RulePreviewCustomer(Base):
    """A customer whom a preview concerns: moved by the roll-out, or with another past. `version` is the journey's."""

    __tablename__ = "rule_preview_customers"
    __table_args__ = (
        PrimaryKeyConstraint("company_id", "preview_id", "relationship_id"),
        ForeignKeyConstraint(
            ["company_id", "preview_id"], ["rule_previews.company_id", "rule_previews.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        Index("rule_preview_customers_by_customer", "company_id", "customer_id"),
    )

    company_id: Mapped[CompanyId]
    preview_id: Mapped[int] = mapped_column(BigInteger)
    relationship_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    from_stage: Mapped[str | None]
    to_stage: Mapped[str | None]
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    messages: Mapped[int]
    next_deadline: Mapped[datetime | None]
    next_stage: Mapped[str | None]
    is_different: Mapped[bool]
    past_old: Mapped[list[str]] = mapped_column(ARRAY(Text))
    past_new: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Customer(Base):
    """A person, identified by the company's `external_id`. The only table with names and contact details.

    `merged_into`: the id is an alias of another customer's, the one at the end of a chain; the row keeps nothing else.
    `merge_run` is the workflow run that merged them.
    `compared` is false until workers have looked for customers who may be the same person.
    `searchable` is false until the terms of a customer from before `customer_search_terms` are written.
    `phone` is as given. `phone_e164` was read from the text `phone_e164_of` and counts only while that is `phone`.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("company_id", "external_id"),
        UniqueConstraint("company_id", "id"),
        Index(
            "customers_phones_to_read",
            "company_id",
            "id",
            postgresql_where=text("phone IS DISTINCT FROM phone_e164_of"),
        ),
        Index("customers_to_make_searchable", "company_id", "id", postgresql_where=text("NOT searchable")),
        Index(
            "customers_sort_name",
            "company_id",
            text("lower(name)"),
            "id",
            postgresql_where=text("lower(name) IS NOT NULL"),
        ),
        Index(
            "customers_merged_into",
            *("company_id", "merged_into"),
            postgresql_where=text("merged_into is not null"),
        ),
        Index("customers_to_compare", "company_id", "id", postgresql_where=text("NOT compared")),
        Index("customers_merged_at", "company_id", "merged_at", postgresql_where=text("merged_into is not null")),
        ForeignKeyConstraint(
            ["company_id", "merged_into"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        CheckConstraint("external_id ~ '^[A-Za-z0-9._:@-]{1,64}$'", name="external_id"),  # `.` was once allowed
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    external_id: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    phone_e164: Mapped[str | None]
    phone_e164_of: Mapped[str | None]
    searchable: Mapped[bool] = mapped_column(server_default=text("true"))
    time_zone: Mapped[str | None]
    locale: Mapped[str | None]
    consent: Mapped[Settings]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    merged_into: Mapped[Reference | None]
    merged_at: Mapped[datetime | None]
    merge_run: Mapped[str | None]
    compared: Mapped[bool] = mapped_column(server_default=text("false"))


class CustomerKey(Base):
    """What identifies a customer, in the normal form of `journey/duplicates.py`; written by workers."""

    __tablename__ = "customer_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        Index("customer_keys_by_key", "company_id", "key", "customer_id"),
    )

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True)
    customer_id: Mapped[Reference] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class DuplicateCustomers(Base):
    """Two customers who may be one person, and why; written by workers. A dismissed pair is not shown again."""

    __tablename__ = "duplicate_customers"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "first_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["company_id", "second_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"),
        CheckConstraint("first_id < second_id", name="order"),
        Index("duplicate_customers_by_second", "company_id", "second_id"),
        Index(
            "duplicate_customers_to_show",
            *("company_id", text("strength DESC"), "first_id", "second_id"),
            postgresql_where=text("dismissed_at is null"),
        ),
    )

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True)
    first_id: Mapped[Reference] = mapped_column(primary_key=True)
    second_id: Mapped[Reference] = mapped_column(primary_key=True)
    strength: Mapped[int] = mapped_column(SmallInteger)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[str | None]


class MergedJourney(Base):
    """A journey that ended in another one: its transitions stay for figures of the past.

    `customer_id` has the events now, which name the journey as `merged_from`. `alias_id` is the customer whose journey
    it was. The last transition of such a journey has no stage (`to_stage` is empty).
    """

    __tablename__ = "merged_journeys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["company_id", "alias_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"),
        Index("merged_journeys_of_customer", "company_id", "customer_id"),
    )

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True)
    relationship_id: Mapped[Reference] = mapped_column(primary_key=True)
    customer_id: Mapped[Reference]
    alias_id: Mapped[Reference]
    merged_at: Mapped[datetime]


class SearchTerm(Base):
    """What a search finds a customer by, in the normal form of `journey/search_text.py`; written by a trigger."""

    __tablename__ = "customer_search_terms"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        Index("customer_search_terms_by_term", "company_id", "term", "customer_id"),
    )

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True)
    customer_id: Mapped[Reference] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class ConsentWithdrawal(Base):
    """A customer's own "no" to a channel, which outweighs the profile until a person of the staff lifts it.

    `address` is the normal form of the customer's address at that time, or empty: the withdrawal holds for every
    customer of the company with this address. `address_key` finds it, however a profile writes the address.
    """

    __tablename__ = "consent_withdrawals"
    __table_args__ = (
        _of_customer(),
        Index(
            "consent_withdrawals_in_force",
            *("company_id", "customer_id", "channel", "address"),
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
        Index(
            "consent_withdrawals_by_address",
            *("company_id", "address_key"),
            postgresql_where=text("lifted_at is null"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    customer_id: Mapped[Reference]
    channel: Mapped[str]
    address: Mapped[str]
    address_key: Mapped[str]
    source: Mapped[str]
    at: Mapped[Stamp]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]


class Relationship(Base):
    """The projection: the current state of a customer's journey.

    `version` counts the commits of the journey and guards them (optimistic locking). `run_id` is the first run of its
    workflow. `state` is the packed state. `batch` identifies the messages of the last commit. `changed`, here and in
    other tables, is the 64-bit id of the transaction that wrote the row, set by a trigger. `booked_times` are those of
    open appointments, ascending, passed ones too. `usual_interval` is in days; `rhythm` has those of the services, and
    is null until it has been computed.
    """

    __tablename__ = "customer_relationships"
    __table_args__ = (
        ForeignKeyConstraint(["company_id"], ["companies.id"]),
        _of_customer(),
        UniqueConstraint("company_id", "customer_id", name="unique_company_customer"),
        UniqueConstraint("company_id", "id"),
        CheckConstraint("risk_score between 0 and 1", name="risk_score"),
        CheckConstraint("engagement_score between 0 and 1", name="engagement_score"),
        CheckConstraint("return_probability between 0 and 1", name="return_probability"),
        Index("idx_stage", "company_id", "current_stage"),
        Index("idx_risk", "company_id", "risk_score"),
        Index("idx_stage_risk", "company_id", "current_stage", "risk_score"),
        Index("idx_next_deadline", "company_id", "next_deadline"),
        Index("customer_relationships_changed", "company_id", "changed"),
        Index("customer_relationships_by_risk", "company_id", text("risk_score DESC"), "id"),
        Index("customer_relationships_by_stage_and_risk", "company_id", "current_stage", text("risk_score DESC"), "id"),
        Index(
            "customer_relationships_by_stage_and_expected_value",
            "company_id",
            "current_stage",
            text("(coalesce(return_probability, 1) * lifetime_value) DESC"),
            "id",
        ),
        Index(
            "customer_relationships_by_stage_and_return",
            "company_id",
            "current_stage",
            "return_probability",
            "id",
            postgresql_where=text("return_probability is not null"),
        ),
        *(
            Index(f"customer_relationships_sort_{column}", "company_id", column, "customer_id")
            for column in ("risk_score", "lifetime_value", "last_appointment_at", "stage_entered_at", "created_at")
        ),
        Index(
            "customer_relationships_sort_inactive_since",
            "company_id",
            text(_INACTIVE_SINCE),
            "customer_id",
            postgresql_where=text(f"{_INACTIVE_SINCE} IS NOT NULL"),
        ),
        Index(
            "customer_relationships_expected",
            "company_id",
            "expected_at",
            "id",
            postgresql_where=text("expected_at is not null"),
        ),
        Index("customer_relationships_without_rhythm", "company_id", "id", postgresql_where=text("rhythm is null")),
        Index(
            "customer_relationships_by_stage_and_value_at_stake",
            *("company_id", "current_stage", text(f"{_VALUE_AT_STAKE} DESC"), "id"),
        ),
        Index(
            "customer_relationships_without_mean_amount",
            *("company_id", "id"),
            postgresql_where=text("mean_amount is null and total_appointments > 0"),
        ),
        # Free space on each page for HOT updates: those that change no indexed column.
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    customer_id: Mapped[Reference]
    current_stage: Mapped[StageKey]
    stage_entered_at: Mapped[datetime]
    previous_stage: Mapped[StageKey | None]
    lifetime_value: Mapped[Money] = mapped_column(server_default=text("0"))
    total_appointments: Mapped[int] = mapped_column(server_default=text("0"))
    last_appointment_at: Mapped[datetime | None]
    risk_score: Mapped[Score | None]
    engagement_score: Mapped[Score | None]
    notes: Mapped[str | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    version: Mapped[int]
    run_id: Mapped[str]
    decided_at: Mapped[datetime]
    state: Mapped[dict[str, Any]]
    rules_version: Mapped[int] = mapped_column(server_default=text("1"))
    next_deadline: Mapped[datetime | None]
    next_stage: Mapped[StageKey | None]
    hold_until: Mapped[datetime | None]
    held: Mapped[bool] = mapped_column(server_default=text("false"))
    batch: Mapped[str | None]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    return_probability: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    booked_times: Mapped[list[datetime] | None] = mapped_column(ARRAY(TIMESTAMP(timezone=True)))
    usual_interval: Mapped[Decimal | None] = mapped_column(Numeric(9, 3))
    expected_at: Mapped[datetime | None]
    rhythm: Mapped[dict[str, Any] | None]
    mean_amount: Mapped[Money | None]


class Transition(Base):
    """A transition of a journey, numbered by `sequence`.

    `event_id` is the event that caused it, `reason` the values that were compared. `stay` is the time spent in
    `from_stage`, null for the first transition. `relationship_id` may be that of a merged journey. `performed_by` is an
    `api_keys.id` without a foreign key, so that an invalid reference cannot block a journey.
    """

    __tablename__ = "journey_transitions"
    __table_args__ = (
        UniqueConstraint("relationship_id", "sequence"),
        Index("idx_relationship_time", "relationship_id", "transitioned_at"),
        Index("idx_customer_time", "relationship_id", text("transitioned_at DESC")),
        # Allows index-only scans for counts by stage and time.
        Index(
            "journey_transitions_of_company",
            "company_id",
            "transitioned_at",
            postgresql_include=["relationship_id", "from_stage", "to_stage", "stay"],
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    relationship_id: Mapped[Reference]
    sequence: Mapped[int]
    from_stage: Mapped[StageKey | None]
    to_stage: Mapped[StageKey]
    transitioned_at: Mapped[datetime]
    trigger_type: Mapped[TriggerType] = mapped_column(Enum(TriggerType, name="journey_trigger_type"))
    trigger_event: Mapped[str | None] = mapped_column(String(255))
    performed_by: Mapped[Reference | None]
    notes: Mapped[str | None]
    event_id: Mapped[str | None]
    version: Mapped[int]
    reason: Mapped[dict[str, Any] | None]
    decided_at: Mapped[datetime]
    stay: Mapped[timedelta | None]


class LedgerEvent(Base):
    """The ledger: every received event, with its outcome and the commit (`version`) that decided it.

    A duplicate adds no row. A conflict (same id, different content) and an invalid message (quarantined, stored as
    `raw` with a `reason`) each add one. `content_hash` is a 16-byte hash of the canonical content.
    """

    __tablename__ = "journey_events"
    __table_args__ = (
        _of_customer(),
        UniqueConstraint("company_id", "event_id", "content_hash"),
        CheckConstraint("outcome in ('applied', 'conflict', 'quarantined')", name="outcome"),
        CheckConstraint("octet_length(content_hash) = 16", name="content_hash"),
        CheckConstraint(
            "outcome <> 'applied' or num_nulls(event_id, type, occurred_at, payload) = 0", name="applied_is_whole"
        ),
        Index(
            "journey_events_applied_once",
            "company_id",
            "event_id",
            unique=True,
            postgresql_where=text("outcome = 'applied'"),
        ),
        Index("journey_events_timeline", "company_id", "customer_id", "occurred_at", "event_id"),
        Index(
            "journey_events_of_appointment",
            *("company_id", "customer_id", text("(payload ->> 'appointment_id')")),
            postgresql_where=text("payload ? 'appointment_id'"),
        ),
        Index(
            "journey_events_of_replaced_appointment",
            *("company_id", "customer_id", text("(payload ->> 'replaces')")),
            postgresql_where=text("payload ? 'replaces'"),
        ),
        Index(
            "journey_events_retracting",
            *("company_id", text("(payload ->> 'retracts')")),
            postgresql_where=text("type = 'event.retracted'"),
        ),
        Index(
            "journey_events_correcting",
            *("company_id", "customer_id"),
            postgresql_where=text("contributions is not null"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    customer_id: Mapped[Reference]
    event_id: Mapped[str | None]
    content_hash: Mapped[bytes]
    type: Mapped[str | None]
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[Stamp]
    payload: Mapped[dict[str, Any] | None]
    raw: Mapped[str | None]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    version: Mapped[int]
    rules_version: Mapped[int]
    retracted_by: Mapped[str | None]
    contributions: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    merged_from: Mapped[Reference | None]


class StageMetric(Base):
    """One row per company, stage and UTC day: customers at its end, mean days of ended stays, conversion, revenue."""

    __tablename__ = "journey_stage_metrics"
    __table_args__ = (
        UniqueConstraint("company_id", "stage_key", "metric_date", name="unique_company_stage_date"),
        Index("idx_company_date", "company_id", "metric_date"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    stage_key: Mapped[StageKey]
    metric_date: Mapped[date]
    customer_count: Mapped[int] = mapped_column(server_default=text("0"))
    avg_time_in_stage: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    conversion_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    revenue: Mapped[Money | None]


class StageMetricMark(Base):
    """The time up to which everything known is counted in a company's stage metrics."""

    __tablename__ = "stage_metric_marks"

    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"), primary_key=True, autoincrement=False)
    counted_at: Mapped[datetime]


class Rollup(Base):
    """The sum of one `figure` on one UTC day or in one month (`day` is its first day), by `key`.

    `db/analytics/rollup_deltas.py` defines the figures, their keys and their amounts.
    """

    __tablename__ = "journey_rollups"
    __table_args__ = (
        CheckConstraint("grain in ('day', 'month')", name="grain"),
        CheckConstraint(
            "figure in ('move', 'stay', 'start', 'entered', 'gone_on', 'revenue', 'adjusted')", name="figure"
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"), primary_key=True)
    figure: Mapped[str] = mapped_column(primary_key=True)
    grain: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[list[str]] = mapped_column(ARRAY(Text), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)


class QueuedRollup(Base):
    """The roll-up queue: a commit that is not in the roll-ups yet. Readers of the roll-ups add it live."""

    __tablename__ = "journey_unrolled"

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True, autoincrement=False)
    relationship_id: Mapped[Reference] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[Reference]


class RollupStages(Base):
    """The ordered stages by which a company's conversions are rolled up."""

    __tablename__ = "journey_rollup_stages"

    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"), primary_key=True, autoincrement=False)
    stages: Mapped[str]


class Appointment(Base):
    """An appointment with a booked time, computed from the ledger; `key` is the short hash of its first id.

    `booked_at`: the time of the first event with this booked time. `last_event_at`: the time of its latest event.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        CheckConstraint("outcome in ('open', 'completed', 'missed', 'cancelled')", name="outcome"),
        Index("appointments_by_time", "company_id", "scheduled_for", "customer_id", "key"),
        Index(
            "appointments_open",
            *("company_id", "scheduled_for", "customer_id", "key"),
            postgresql_where=text("outcome = 'open'"),
        ),
        Index(
            "appointments_with_outcome",
            *("company_id", "scheduled_for"),
            postgresql_include=["outcome"],
            postgresql_where=text("outcome in ('completed', 'missed')"),
        ),
    )

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[Reference] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    appointment_id: Mapped[str]
    scheduled_for: Mapped[datetime]
    booked_at: Mapped[datetime]
    last_event_at: Mapped[datetime]
    outcome: Mapped[str]
    service: Mapped[str | None]
    amount: Mapped[Money | None]


class AppointmentChange(Base):
    """A customer whose `appointments` are to be computed anew, written by triggers of the ledger."""

    __tablename__ = "appointment_changes"

    company_id: Mapped[CompanyId] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[Reference] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class AppointmentBackfill(Base):
    """A company whose customers from before `appointments` existed are being noted, up to the id `noted_until`."""

    __tablename__ = "appointment_backfills"

    company_id: Mapped[CompanyId] = mapped_column(
        ForeignKey("companies.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    noted_until: Mapped[Reference]


class NoShowModel(Base):
    """One version of a company's model of no-shows, or the `reason` why there is none.

    `comparison` is how well each method predicted the latest outcomes from those before.
    """

    __tablename__ = "no_show_models"
    __table_args__ = (UniqueConstraint("company_id", "version"),)

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    version: Mapped[int]
    fitted_at: Mapped[Stamp]
    outcomes: Mapped[int]
    misses: Mapped[int]
    model: Mapped[dict[str, Any] | None]
    comparison: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None]


class ReturnModel(Base):
    """One version of a company's return model: `parameters` with times in days, or the `reason` why there are none.

    `forecast` is the whole model; `comparison` is how well each method predicted, from the first half of the history,
    who came in the second.
    """

    __tablename__ = "return_models"
    __table_args__ = (
        UniqueConstraint("company_id", "version"),
        CheckConstraint(
            "num_nulls(parameters, log_likelihood) = case when reason is null then 0 else 2 end", name="model_or_reason"
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    version: Mapped[int]
    method: Mapped[str]
    fitted_at: Mapped[Stamp]
    history_from: Mapped[date | None]
    history_to: Mapped[date]
    customers: Mapped[int]
    returned_customers: Mapped[int]
    parameters: Mapped[dict[str, Any] | None]
    log_likelihood: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str | None]
    forecast: Mapped[dict[str, Any] | None]
    comparison: Mapped[dict[str, Any] | None]


class Action(Base):
    """A stage action and its status. `action_key` does not contain the attempt: retries have one effect.

    `detail` holds the parameters of the request and the results (an offer code, a task); `reason` says why the action
    was deferred or suppressed.
    """

    __tablename__ = "journey_actions"
    __table_args__ = (
        _of_relationship(),
        UniqueConstraint("company_id", "action_key"),
        UniqueConstraint("company_id", "id"),
        CheckConstraint(
            "status in ('pending', 'waiting', 'succeeded', 'failed', 'suppressed', 'cancelled')", name="status"
        ),
        Index("journey_actions_of_relationship", "relationship_id", "created_at"),
        Index("journey_actions_by_status", "company_id", "status", "updated_at"),
        Index("journey_actions_changed", "company_id", "changed"),
        Index(
            "journey_actions_problems",
            "company_id",
            "status",
            "action",
            "id",
            postgresql_where=text(
                "status in ('failed', 'waiting', 'suppressed')"
                " or status = 'pending' and attempts > 0 and last_error is not null"
            ),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    relationship_id: Mapped[Reference]
    action_key: Mapped[str]
    action: Mapped[str]
    stage_key: Mapped[StageKey]
    entry: Mapped[int]
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    due_at: Mapped[datetime | None]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    reason: Mapped[str | None]
    channel: Mapped[str | None]
    marketing: Mapped[bool] = mapped_column(server_default=text("false"))
    detail: Mapped[Settings]
    performed_by: Mapped[Reference | None]
    version: Mapped[int] = mapped_column(server_default=text("0"))
    done_at: Mapped[datetime | None]
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class Attempt(Base):
    """One attempt of an action and its outcome."""

    __tablename__ = "action_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "action_id"], ["journey_actions.company_id", "journey_actions.id"], ondelete="CASCADE"
        ),
        Index("action_attempts_of_action", "action_id", "id"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    action_id: Mapped[Reference]
    attempt: Mapped[int]
    at: Mapped[Stamp]
    outcome: Mapped[str]
    error: Mapped[str | None]


class SentMessage(Base):
    """A message as it was sent, without the personal links in it. It was sent at its action's `done_at`.

    `allowed_by`: why it could be sent, a key of `journey.outreach.PERMISSIONS`. Messages from before this table existed
    have no row.
    """

    __tablename__ = "sent_messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "action_id"], ["journey_actions.company_id", "journey_actions.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("company_id", "action_id"),
        CheckConstraint("audience in ('customers', 'staff')", name="audience"),
        CheckConstraint("length(text) <= 200000", name="text"),
        CheckConstraint("length(html) <= 200000", name="html"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    action_id: Mapped[Reference]
    message_id: Mapped[str]
    audience: Mapped[str]
    allowed_by: Mapped[str]
    template: Mapped[str]
    address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str | None]


class RetentionCampaign(Base):
    """A drip campaign for a customer at risk, numbered by `n`; at most one is running per relationship.

    `scheduled_actions`: each step as ``{"action", "type", "day", "due_at", "status", "reason", "done_at", "code",
    "valid_until"}``.
    """

    __tablename__ = "retention_campaigns"
    __table_args__ = (
        _of_relationship(),
        _of_customer(),
        UniqueConstraint("relationship_id", "n"),
        CheckConstraint("status in ('running', 'completed', 'cancelled')", name="status"),
        Index("one_campaign_at_a_time", "relationship_id", unique=True, postgresql_where=text("status = 'running'")),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    relationship_id: Mapped[Reference]
    customer_id: Mapped[Reference]
    type: Mapped[str]
    n: Mapped[int]
    status: Mapped[str]
    scheduled_actions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    created_at: Mapped[Stamp]
    ended_at: Mapped[datetime | None]
    entry: Mapped[int]


class Staff(Base):
    """A staff member of a company, with one role."""

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        CheckConstraint("role in ('sales', 'manager')", name="role"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    name: Mapped[str]
    email: Mapped[str | None]
    role: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[Stamp]


class Assignment(Base):
    """The staff member who is assigned to a customer in a role."""

    __tablename__ = "assignments"
    __table_args__ = (
        _of_relationship(),
        ForeignKeyConstraint(["company_id", "staff_id"], ["staff.company_id", "staff.id"]),
        UniqueConstraint("relationship_id", "role"),
        Index("assignments_of_staff", "company_id", "staff_id"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    relationship_id: Mapped[Reference]
    role: Mapped[str]
    staff_id: Mapped[Reference]
    since: Mapped[Stamp]


class Task(Base):
    """A task for a staff member: call, review, follow-up. `assigned_to` is None while it is unassigned.

    `title` and `reason` contain nothing personal: the customer is added whenever the task is read. A task from before
    `reason` existed has none, and the customer's id in its title. `closed_reason` says why it was closed automatically.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        _of_relationship(),
        ForeignKeyConstraint(["company_id", "assigned_to"], ["staff.company_id", "staff.id"]),
        UniqueConstraint("company_id", "action_key"),
        UniqueConstraint("company_id", "id"),
        CheckConstraint("status in ('open', 'done', 'cancelled')", name="status"),
        Index("tasks_by_status", "company_id", "status", "due_at"),
        Index(
            "tasks_by_completion",
            *("company_id", text("done_at DESC"), text("id DESC")),
            postgresql_where=text("done_at is not null"),
        ),
        Index("tasks_of_relationship", "relationship_id"),
        Index("tasks_changed", "company_id", "changed"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    relationship_id: Mapped[Reference]
    kind: Mapped[str]
    title: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'open'"))
    due_at: Mapped[datetime | None]
    created_at: Mapped[Stamp]
    done_at: Mapped[datetime | None]
    assigned_to: Mapped[Reference | None]
    action_key: Mapped[str | None]
    note: Mapped[str | None]
    done_by: Mapped[Reference | None]
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    reason: Mapped[str | None]
    closed_reason: Mapped[str | None]


class TaskComment(Base):
    """A comment on a task. `command` is the command of the journey that added it, so that a retry adds it once."""

    __tablename__ = "task_comments"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "task_id"], ["tasks.company_id", "tasks.id"], ondelete="CASCADE"),
        UniqueConstraint("task_id", "command"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    task_id: Mapped[Reference]
    command: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]
    performed_by: Mapped[Reference | None]


class Contact(Base):
    """A contact that a person made with a customer.

    `command` is the command of the journey that recorded it, so that a retry adds it once. `closed_tasks` are the call
    tasks that it closed, `follow_up` is the `action_ref` of the one that it planned, `event_id` the booking that it
    led to. With the outcome `do_not_contact`, the customer is left alone until `lifted_at`.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "customer_id"], ["customers.company_id", "customers.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("customer_id", "command"),
        CheckConstraint("channel in ('phone', 'email', 'message', 'in_person')", name="channel"),
        CheckConstraint("outcome in ('reached', 'no_answer', 'booked', 'declined', 'do_not_contact')", name="outcome"),
        Index("contacts_of_customer", "company_id", "customer_id", text("at DESC"), text("id DESC")),
        Index(
            "contacts_in_force",
            *("company_id", "customer_id"),
            postgresql_where=text("outcome = 'do_not_contact' and lifted_at is null"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId]
    customer_id: Mapped[Reference]
    command: Mapped[str]
    channel: Mapped[str]
    outcome: Mapped[str]
    note: Mapped[str | None]
    at: Mapped[datetime]
    follow_up_at: Mapped[datetime | None]
    follow_up: Mapped[str | None]
    event_id: Mapped[str | None]
    closed_tasks: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    performed_by: Mapped[Reference | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]


class WebhookEndpoint(Base):
    """A webhook endpoint. It has two secrets while they are being rotated, and is disabled by a 410 response."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (UniqueConstraint("company_id", "id"),)

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    url: Mapped[str]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_at: Mapped[Stamp]


class MessageTemplate(Base):
    """A company's own template for one message in one locale, instead of the built-in one."""

    __tablename__ = "message_templates"
    __table_args__ = (UniqueConstraint("company_id", "name", "locale"),)

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    name: Mapped[str]
    locale: Mapped[str]
    subject: Mapped[str]
    html: Mapped[str | None]
    text: Mapped[str]
    updated_at: Mapped[Stamp]


class ApiKey(Base):
    """An API key: `key_hash` is its SHA-256; `prefix`, its first 8 characters, is for display."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        UniqueConstraint("company_id", "id"),
        CheckConstraint("octet_length(key_hash) = 32", name="key_hash"),
        Index("api_keys_of_company", "company_id"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    name: Mapped[str]
    key_hash: Mapped[bytes]
    prefix: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[Stamp]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Session(Base):
    """A browser session: has the scopes of its key, until the idle timeout or `expires_at`."""

    __tablename__ = "sessions"
    __table_args__ = (
        _of_key(),
        UniqueConstraint("secret_hash"),
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        Index("sessions_of_key", "key_id"),
        Index("sessions_by_expiry", "company_id", "expires_at"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    key_id: Mapped[Reference]
    secret_hash: Mapped[bytes]
    created_at: Mapped[Stamp]
    last_seen_at: Mapped[Stamp]
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A single-use link that opens a session."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        _of_key(),
        UniqueConstraint("token_hash"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    key_id: Mapped[Reference]
    token_hash: Mapped[bytes]
    created_at: Mapped[Stamp]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """The audit log: who changed what. The application can append and read, but not modify it."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("audit_log_by_time", "company_id", "at"),
        Index(
            "audit_log_of_retractions",
            *("company_id", "subject"),
            postgresql_where=text("action = 'event.retract'"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[CompanyId] = mapped_column(ForeignKey("companies.id"))
    at: Mapped[Stamp]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[Settings]
