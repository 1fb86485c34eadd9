"""Browser sessions."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.base import RowId, Schema, Scope


class SessionCompany(Schema):
    """The company of a session."""

    id: RowId
    name: str
    currency: str = Field(description="ISO 4217 code")


class BrowserSession(Schema):
    """The current session."""

    company: SessionCompany
    name: str = Field(description="name of the API key that was used to sign in")
    scopes: list[Scope]
    csrf_token: str = Field(description="send it as `X-CSRF-Token` with every request that changes something")
    expires_at: datetime
