"""Sign-in of people: a key or a link that opens once becomes a session, whose cookie no script can read."""

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

_SHOWN = {
    "company": {"id": 1, "name": "Salon Sophie", "currency": "EUR"},
    "name": "front desk",
    "scopes": ["journeys:read", "journeys:write"],
    "csrf_token": "5d0c…",
    "expires_at": "2026-03-12T21:00:00+00:00",
}
_OURS = only(problems(), 401, 403, 429, 503)
_NO_STORE = {"Cache-Control": "no-store"}

Secret = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SECRET_LENGTH)]


class SignIn(BaseModel):
    """Either a key, or the token of a link that opens once."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"key": "pk_…"}, {"token": "kq3vT…"}], "minProperties": 1}
    )

    key: Secret | None = Field(default=None, description="an API key of the company")
    token: Secret | None = Field(default=None, description="of a link: the text after `#token=`")

    @model_validator(mode="after")
    def _one(self) -> SignIn:
        if (self.key is None) == (self.token is None):
            raise ValueError("either a key or a token")
        return self


@router.post(
    "/v1/session",
    summary="Sign in",
    response_model=None,
    responses={
        200: json_answer(BrowserSession, "Who is signed in; the cookie comes with it.", _SHOWN),
        **problems("csrf", "too-large", "unsupported-media-type"),
    },
)
async def sign_in(given: SignIn, request: Request, gateway: GatewayDep) -> Response:
    """Wrong guesses are counted by address. A session that the browser had before ends."""
    # Without this a page of another site could sign somebody in as somebody else, and read what he then enters.
    gateway.cookies.check_origin(request)
    if not is_json(request.headers.get("content-type", "application/json")):
        raise problem("unsupported-media-type", "send application/json")
    network = client_network(request.client.host if request.client else "")
    if wait := gateway.ip_rate_limits.failed_sign_ins.exhausted(network):
        raise problem("rate-limited", "too many wrong keys or links", headers={"Retry-After": str(wait)})
    secret = await _opened(gateway, given)
    if secret is None:
        gateway.ip_rate_limits.failed_sign_ins.hit(network)
        what = "this key is not known or was revoked" if given.key else "this link was used already, or is too old"
        raise problem("unauthorised", what)
    if before := gateway.cookies.secret(request):
        gateway.authenticator.forget(before)
        await browser_sessions.delete(gateway.pool, before)
    session = await browser_sessions.find(gateway.pool, secret, gateway.session_idle)
    if session is None:
        raise problem("unauthorised", "this key was revoked")
    response = JSONResponse(_shown(session, secret), headers=_NO_STORE)
    gateway.cookies.give(response, secret, gateway.session_lifetime)
    return response


@router.get(
    "/v1/session",
    summary="Who is signed in",
    response_model=None,
    responses={
        200: json_answer(BrowserSession, "The session of the cookie.", _SHOWN),
        204: {"description": "Nobody is signed in."},
        **_OURS,
    },
    openapi_extra={"security": [{"session": []}]},
)
async def get_session(request: Request, gateway: GatewayDep) -> Response:
    """To ask is no error: browsers write every 401 into the console, and a sign-in page begins with this question."""
    secret = gateway.cookies.secret(request)
    session = secret and await browser_sessions.find(gateway.pool, secret, gateway.session_idle)
    if not secret or not session:
        return Response(status_code=204, headers=_NO_STORE)
    return JSONResponse(_shown(session, secret), headers=_NO_STORE)


@router.delete(
    "/v1/session",
    summary="Sign out",
    status_code=204,
    response_model=None,
    responses={204: {"description": "The session is over, if there was one."}, **_OURS},
    openapi_extra={"security": [{"session": []}]},
)
async def sign_out(request: Request, gateway: GatewayDep) -> Response:
    response = Response(status_code=204, headers=_NO_STORE)
    if secret := gateway.cookies.secret(request):
        gateway.cookies.check_forgery(request, secret)
        gateway.authenticator.forget(secret)
        await browser_sessions.delete(gateway.pool, secret)
        gateway.cookies.take_back(response)
    return response


async def _opened(gateway: Gateway, given: SignIn) -> str | None:
    """A new session's secret; None for a key or token that is nobody's."""
    if given.token is not None:
        holder = await browser_sessions.redeem_sign_in_link(gateway.pool, given.token)
    else:
        credential = await api_keys.find(gateway.pool, given.key or "")
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
