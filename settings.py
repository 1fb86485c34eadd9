"""The environment, read once by the composition roots and passed inward.

A wrong value is refused at start with the variable's name. ``TEMPORAL_*`` is read by the SDK's own configuration (see
``connection.py``) and stands here only where we need it ourselves.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every variable of ours, with its default."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str = Field(
        default="postgresql://postgres@/perdure", description="Postgres that everyone reads and the workers write"
    )
    migration_database_url: str | None = Field(
        default=None, description="login that owns the schema, for `journey migrate`; DATABASE_URL where unset"
    )
    temporal_ui_url: str | None = Field(default=None, description="where links to single journeys lead")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="least level logged")
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON elsewhere"
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="the gateway's address in absolute URIs")
    smtp_url: str | None = Field(default=None, description="the mail server: smtp://user:password@host:587, smtps://…")
    sms_url: str | None = Field(
        default=None, description="the SMS service, in Twilio's shape: https://sid:token@…?From=…"
    )
    mail_from: str = Field(default="Perdure <no-reply@localhost>", description="the sender of mails")
    outbox: str = Field(default="outbox", description="folder for what has no SMTP_URL or SMS_URL to go to")
    link_secret: str | None = Field(
        default=None, min_length=16, description="signs the links in mails; without it no mail goes to a customer"
    )
    webhook_allow: str = Field(
        default="",
        description="host or host:port, comma-separated: endpoints that may be http and private (development)",
    )
    dashboard: str = Field(
        default=str(Path(__file__).parent / "dashboard" / "dist"), description="folder of the built dashboard"
    )
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks of reverse proxies, comma-separated: their X-Forwarded-For is believed",
    )
    connections_per_address: int = Field(
        default=200, ge=1, le=100_000, description="open connections that one address may have, proxies excepted"
    )
    rate_limit: str = Field(default="6000/minute", description="requests per API key, in the notation of `limits`")
    session_idle_hours: float = Field(default=12, gt=0, le=720, description="unused for so long, a sign-in ends")
    session_days: float = Field(default=7, gt=0, le=90, description="after so long a sign-in ends in any case")
    gateway_pool: int = Field(default=8, ge=1, le=100, description="Postgres connections of the gateway")
    intake_concurrency: int = Field(default=32, ge=1, le=512, description="signals under way at once in one request")
    worker_pool: int = Field(default=8, ge=1, le=100, description="Postgres connections of a worker")
    workflow_slots: int = Field(default=16, ge=2, le=200, description="workflow tasks at once in one worker")
    cached_journeys: int = Field(default=2000, ge=1, le=100_000, description="journeys kept in a worker's memory")
    metrics_address: str | None = Field(default=None, description="host:port of a worker's Prometheus metrics")
    watchdog_seconds: int = Field(default=90, ge=10, description="backlog with nobody polling that ends a worker")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for text in filter(None, map(str.strip, value.split(","))):
            ip_network(text, strict=False)  # its ValueError quotes the text
        return value

    @property
    def owner_url(self) -> str:
        return self.migration_database_url or self.database_url


def read_settings() -> Settings:
    """The settings of this process. Exits with code 2 and the variable's name where a value is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{'_'.join(map(str, e['loc'])).upper()}={e['input']!r}: {e['msg']}" for e in error.errors()]
        raise SystemExit("wrong setting: " + "; ".join(lines)) from None
