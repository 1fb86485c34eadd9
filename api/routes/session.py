"""Browser sessions: sign in with an API key or a one-time link; the cookie is not readable by scripts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.dependencies import Gateway, GatewayDep
from api.openapi import json_answer, only, problems
from api.problems import problem
from api.schemas.session import BrowserSession
from api.security.cookies import MAX_SECRET_LENGTH, csrf_token
from api.security.ip_rate_limit import client_network
from api.security.route_classes import is_json
from db.people import api_keys, browser_sessions
from db.people.browser_sessions import Session

router = APIRouter(tags=["session"])

_EXAMPLE = {
    "company": {"id": 1, "name": "Salon Sophie", "currency": "EUR"},
    "name": "front desk",
    "scopes": ["journeys:read", "journeys:write"],
    "csrf_token": "5d0c…",
    "expires_at": "2026-03-12T21:00:00+00:00",
}
_SESSION_PROBLEMS = only(problems(), 401, 403, 429, 503)
_NO_STORE = {"Cache-Control": "no-store"}

Secret = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_LENGTH)]


class SignIn(BaseModel):
    """An API key, or the token of a one-time link."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"key": "pk_…"}, {"token": "kq3vT…"}], "minProperties": 1}
    )

    key: Secret | None = Field(default=None, description="an API key of the company")
    token: Secret | None = Field(default=None, description="token of a one-time link: the text after `#token=`")

    @model_validator(mode="after")
    def _one(self) -> SignIn:
        if (self.key is None) == (self.token is None):
            raise ValueError("send either `key` or `token`")
        return self


@router.post(
    "/v1/session",
    summary="Sign in",
    response_model=None,
    responses={
        200: json_answer(BrowserSession, "The session; its cookie is set.", _EXAMPLE),
        **problems("csrf", "too-large", "unsupported-media-type"),
    },
)
async def sign_in(credentials: SignIn, request: Request, gateway: GatewayDep) -> Response:
    """Failed attempts are limited per IP address. An existing session of the browser ends."""
    # Login CSRF: another site could otherwise sign someone in to its own account and read what they enter.
    gateway.cookies.check_origin(request)
    if not is_json(request.headers.get("content-type", "application/json")):
        raise problem("unsupported-media-type", "send application/json")
    network = client_network(request.client.host if request.client else "")
    if wait := gateway.ip_rate_limits.failed_sign_ins.exhausted(network):
        raise problem("rate-limited", "too many failed attempts to sign in", headers={"Retry-After": str(wait)})
    secret = await _start_session(gateway, credentials)
    if secret is None:
        gateway.ip_rate_limits.failed_sign_ins.hit(network)
        what = (
            "this API key is unknown or was revoked"
            if credentials.key
            else "this link has already been used or has expired"
        )
        raise problem("unauthorised", what)
    if before := gateway.cookies.secret(request):
        gateway.authenticator.forget(before)
        await browser_sessions.delete(gateway.pool, before)
    session = await browser_sessions.find(gateway.pool, secret, gateway.session_idle)
    if session is None:
        raise problem("unauthorised", "this API key was revoked")
    response = JSONResponse(_shown(session, secret), headers=_NO_STORE)
    gateway.cookies.set(response, secret, gateway.session_lifetime)
    return response


@router.get(
    "/v1/session",
    summary="Get the current session",
    response_model=None,
    responses={
        200: json_answer(BrowserSession, "The current session.", _EXAMPLE),
        204: {"description": "Not signed in."},
        **_SESSION_PROBLEMS,
    },
    openapi_extra={"security": [{"session": []}]},
)
async def get_session(request: Request, gateway: GatewayDep) -> Response:
    """Returns 204 instead of 401 without a session, because browsers log every 401 to the console."""
    secret = gateway.cookies.secret(request)
    session = secret and await gateway.authenticator.find_session(request, secret)
    if not secret or not session:
        return Response(status_code=204, headers=_NO_STORE)
    return JSONResponse(_shown(session, secret), headers=_NO_STORE)


@router.delete(
    "/v1/session",
    summary="Sign out",
    status_code=204,
    response_model=None,
    responses={204: {"description": "The session, if any, has ended."}, **_SESSION_PROBLEMS},
    openapi_extra={"security": [{"session": []}]},
)
async def sign_out(request: Request, gateway: GatewayDep) -> Response:
    response = Response(status_code=204, headers=_NO_STORE)
    if secret := gateway.cookies.secret(request):
        gateway.cookies.check_csrf(request, secret)
        gateway.authenticator.forget(secret)
        if await gateway.authenticator.find_session(request, secret):
            await browser_sessions.delete(gateway.pool, secret)
        gateway.cookies.delete(response)
    return response


async def _start_session(gateway: Gateway, credentials: SignIn) -> str | None:
    """Start a session and return its secret; None for an unknown key or token."""
    if credentials.token is not None:
        holder = await browser_sessions.redeem_sign_in_link(gateway.pool, credentials.token)
    else:
        credential = await api_keys.find(gateway.pool, credentials.key or "")
        holder = (credential.company_id, credential.key_id) if credential else None
    return holder and await browser_sessions.create(gateway.pool, *holder, gateway.session_lifetime)


def _shown(session: Session, secret: str) -> dict[str, Any]:
    company = {"id": session.credential.company_id, "name": session.company_name, "currency": session.currency}
    return {
        "company": company,
        "name": session.key_name,
        "scopes": [scope for scope in api_keys.SCOPES if scope in session.credential.scopes],
        "csrf_token": csrf_token(secret),
        "expires_at": session.expires_at.isoformat(),
    }
