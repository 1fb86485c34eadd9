"""Settings from environment variables, read once by the composition roots and passed inward.

An invalid value ends the process at its start, with the variable's name. The SDK reads ``TEMPORAL_*`` itself (see
``connection.py``); only those that the application needs are repeated here.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

_KEY = r"\s*[A-Za-z0-9+/_-]{43}=?\s*"  # 32 bytes
_SECRET = {"encryption_keys", "link_secret"}  # never shown


class Settings(BaseSettings):
    """Every variable of the application, with its default."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str = Field(default="postgresql://postgres@/perdure", description="Postgres")
    migration_database_url: str | None = Field(
        default=None, description="login that owns the schema, for `journey migrate`; defaults to DATABASE_URL"
    )
    temporal_ui_url: str | None = Field(default=None, description="base address of links to single journeys")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="minimum level logged")
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON elsewhere"
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="the gateway's address in absolute URIs")
    smtp_url: str | None = Field(default=None, description="the mail server: smtp://user:password@host:587, smtps://…")
    sms_url: str | None = Field(
        default=None, description="the SMS service, in Twilio's shape: https://sid:token@…?From=…"
    )
    mail_from: str = Field(default="Perdure <no-reply@localhost>", description="the sender of mails")
    outbox: str = Field(default="outbox", description="folder for messages without SMTP_URL or SMS_URL")
    link_secret: str | None = Field(
        default=None, min_length=16, description="signs the links in mails; without it, customers get no mail"
    )
    encryption_keys: str | None = Field(
        default=None, description="encrypt what Temporal stores; read by `connection.py`, which explains their form"
    )
    webhook_allow: str = Field(
        default="",
        description="host or host:port, comma-separated: endpoints that may be http and private, for development",
    )
    dashboard: str = Field(
        default=str(Path(__file__).parent / "dashboard" / "dist"), description="folder of the built dashboard"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of reverse proxies, comma-separated: their X-Forwarded-For is trusted",
    )
    connections_per_address: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="maximum number of open connections per client address, except proxies",
    )
    key_cache: str | None = Field(
        default=None,
        description="folder for API keys, encrypted with LINK_SECRET, so that a restart without Postgres takes events",
    )
    rate_limit: str = Field(
        default="6000/minute", description="requests per API key, as the library `limits` writes it"
    )
    session_idle_hours: float = Field(default=12, gt=0, le=720, description="an unused session ends after this time")
    session_days: float = Field(default=7, gt=0, le=90, description="every session ends after this time")
    gateway_pool: int = Field(default=8, ge=1, le=100, description="Postgres connections of the gateway")
    intake_concurrency: int = Field(default=32, ge=1, le=512, description="concurrent signals of one request")
    rollout_rate: float = Field(
        default=20, gt=0, le=1000, description="journeys per second that a change of rules reaches"
    )
    worker_pool: int = Field(default=8, ge=1, le=100, description="Postgres connections of a worker")
    workflow_slots: int = Field(default=16, ge=2, le=200, description="concurrent workflow tasks of a worker")
    cached_journeys: int = Field(default=2000, ge=1, le=100_000, description="journeys kept in a worker's memory")
    metrics_address: str | None = Field(default=None, description="host:port of a worker's Prometheus metrics")
    watchdog_seconds: int = Field(default=90, ge=10, description="a worker that leaves a backlog this long exits")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for text in filter(None, map(str.strip, value.split(","))):
            ip_network(text, strict=False)  # its ValueError quotes the text
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _are_keys(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(rf"{_KEY}(,{_KEY})*", value):
            raise ValueError("base64 of 32 random bytes for each key, separated by commas: openssl rand -base64 32")
        return value

    @property
    def owner_url(self) -> str:
        return self.migration_database_url or self.database_url


def read_settings() -> Settings:
    """Read the settings; exit with the variable's name if a value is invalid."""
    try:
        return Settings()
    except ValidationError as error:
        raise SystemExit("invalid setting: " + "; ".join(map(_problem, error.errors()))) from None


def _problem(error: ErrorDetails) -> str:
    name = "_".join(map(str, error["loc"]))
    shown = "(hidden)" if name in _SECRET else repr(error["input"])
    return f"{name.upper()}={shown}: {error['msg']}"
