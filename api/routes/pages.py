"""Customer pages opened by signed links in messages: feedback and unsubscribe.

The signed link is the credential. A GET changes nothing, because mail programs and virus scanners follow links; only a
POST does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from rfc9457 import Problem
from starlette.exceptions import HTTPException
from temporalio.exceptions import TemporalError

from activities.channels.registry import customer_channel
from api.dependencies import Gateway, gateway_of
from api.event_intake import AcceptedEvent, recorded_outcomes, send_to_journeys, wait_for_outcomes
from api.html import COMMENT_LIMIT, feedback_form, page, paragraphs, unsubscribe_form
from api.problems import RETRY_SECONDS
from api.security.ip_rate_limit import client_network
from db.outreach import feedback_requests
from db.outreach.feedback_requests import FeedbackRequest
from db.people import companies, customers
from journey.actions import action_key
from journey.channels import ChannelSpec
from journey.event_validation import from_fields
from journey.events import canonical, content_hash
from journey.signed_tokens import FeedbackLink, InvalidLink, UnsubscribeLink, read_feedback, read_unsubscribe
from journey.time import Micros, utc_text

FORM_LIMIT = 64 * 1024  # bytes: enough for a comment whose characters take twelve bytes each
OUTCOME_WAIT = 3.0  # seconds to wait for the event's outcome


class _Page(APIRoute):
    """Route class that renders every error as a page and enforces the per-IP rate limits."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner: Callable[[Request], Awaitable[Response]] = super().get_route_handler()
        unsubscribing = self.path.startswith("/u/")

        async def handle(request: Request) -> Response:
            limits = gateway_of(request).ip_rate_limits
            network = client_network(request.client.host if request.client else "")
            if wait := (limits.unsubscribing if unsubscribing else limits.pages).hit(network):
                title, text = "Please wait a moment", "There were too many requests. Please try again in a minute."
                return page(title, paragraphs(text), status=429, headers={"Retry-After": str(wait)})
            try:
                return await inner(request)
            except InvalidLink as error:
                return _invalid_link(error)
            except HTTPException as error:
                if error.status_code != 413:
                    raise
                return page("Your message is too long", paragraphs("Please shorten it and try again."), status=413)
            except (psycopg.OperationalError, TemporalError, OSError, Problem) as error:
                if isinstance(error, Problem) and error.status != 503:
                    raise
                text = "Something went wrong. Please try again in a minute."
                return page("Sorry", paragraphs(text), status=503, headers={"Retry-After": str(RETRY_SECONDS)})

        return handle


router = APIRouter(include_in_schema=False, route_class=_Page)


def _invalid_link(error: InvalidLink) -> Response:
    if error.reason == "expired":
        return page("This link has expired", paragraphs("Thank you for your interest."), status=410)
    text = "The mail program may have broken it across two lines. Please copy the whole link from the e-mail."
    return page("This link does not work", paragraphs(text), status=404)


# -- feedback ---------------------------------------------------------------------------------------------------------


@router.get("/f/{token}")
async def show_feedback(token: str, request: Request) -> Response:
    gateway = gateway_of(request)
    _, feedback = await _feedback(gateway, token)
    if feedback.is_answered:
        return _already_answered(feedback.company_name)
    return feedback_form(feedback.company_name)


@router.post("/f/{token}")
async def give_feedback(token: str, request: Request) -> Response:
    gateway = gateway_of(request)
    link, feedback = await _feedback(gateway, token)
    company = feedback.company_name
    if feedback.is_answered:
        return _already_answered(company)
    fields = await _form(request)
    comment = fields.get("comment", "").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()
    rating = int(fields["rating"]) if fields.get("rating") in ("1", "2", "3", "4", "5") else None
    if rating is None:
        return feedback_form(company, error="Please choose a rating from 1 to 5.", comment=comment[:COMMENT_LIMIT])
    if len(comment) > COMMENT_LIMIT:
        error = f"Please write at most {COMMENT_LIMIT} characters; your comment has {len(comment)}."
        return feedback_form(company, error=error, rating=rating, comment=comment)
    if await _send_feedback(gateway, link, rating, comment) == "conflict":
        return _already_answered(company)
    return page("Thank you!", paragraphs("Your feedback helps us improve."), company=company)


async def _feedback(gateway: Gateway, token: str) -> tuple[FeedbackLink, FeedbackRequest]:
    """Verify the link and load its feedback request; feedback is accepted even while Postgres is unavailable.

    Raises InvalidLink.
    """
    link = read_feedback(_secret(gateway), token, _now())
    try:
        feedback = await feedback_requests.find_feedback_request(
            gateway.pool, link.company, _key(link), _event_id(link)
        )
    except psycopg.OperationalError:
        return link, FeedbackRequest(company_name=None, exists=True, is_answered=False)
    if feedback is None or not feedback.exists:
        raise InvalidLink("not a valid link")  # the signature is valid, but the feedback request no longer exists
    return link, feedback


async def _send_feedback(gateway: Gateway, link: FeedbackLink, rating: int, comment: str) -> str:
    """Send the feedback to the journey and return its outcome (`pending` if that takes long). A link counts once."""
    fields: dict[str, Any] = {
        "id": _event_id(link),
        "type": "feedback.received",
        "customer_id": link.customer,
        "occurred_at": utc_text(_now()),
        "rating": rating,
        **({"comment": comment} if comment else {}),
    }
    fields = canonical(from_fields(fields))
    event = AcceptedEvent(fields, content_hash(fields))
    before = await recorded_outcomes(gateway.pool, link.company, [event])
    aliases = await gateway.aliases.of_company(link.company)
    if await send_to_journeys(gateway.temporal.client, link.company, [event], 1, aliases):
        raise ConnectionError("Temporal did not store the event")
    gateway.metrics.accepted.add(1)
    outcomes = await wait_for_outcomes(gateway.pool, link.company, [event], before, time.monotonic() + OUTCOME_WAIT)
    outcome: str = outcomes[0]["outcome"]
    return outcome


def _already_answered(company: str | None) -> Response:
    return page(
        "Thank you!",
        paragraphs("You have already given feedback for this visit. Your first answer counts."),
        company=company,
    )


def _key(link: FeedbackLink) -> str:
    return action_key(link.company, link.customer, link.action_ref)


def _event_id(link: FeedbackLink) -> str:
    return "feedback:" + sha256(_key(link).encode()).hexdigest()[:32]


# -- unsubscribe ------------------------------------------------------------------------------------------------------


@router.get("/u/{token}")
async def ask_to_unsubscribe(token: str, request: Request) -> Response:
    gateway = gateway_of(request)
    link, channel = _unsubscribe_link(gateway, token)
    return unsubscribe_form(await _company(gateway, link), channel.messages)


@router.post("/u/{token}")
async def unsubscribe(token: str, request: Request) -> Response:
    """Unsubscribe: the page's button, or one-click unsubscribe of a mail program (RFC 8058). The body is ignored."""
    gateway = gateway_of(request)
    link, channel = _unsubscribe_link(gateway, token)
    await _body(request)
    await customers.unsubscribe(gateway.pool, link.company, link.customer, channel, "customer")
    text = f"You will no longer receive {channel.messages} from us."
    return page("You are unsubscribed", paragraphs(text), company=await _company(gateway, link))


def _unsubscribe_link(gateway: Gateway, token: str) -> tuple[UnsubscribeLink, ChannelSpec]:
    link = read_unsubscribe(_secret(gateway), token)
    channel = customer_channel(link.channel)
    if channel is None:
        raise InvalidLink("not a valid link")
    return link, channel


async def _company(gateway: Gateway, link: UnsubscribeLink) -> str | None:
    company = await companies.find_name(gateway.pool, link.company)
    if company is None:
        raise InvalidLink("not a valid link")
    return company


# -- shared -----------------------------------------------------------------------------------------------------------


def _secret(gateway: Gateway) -> str:
    if gateway.link_secret is None:
        raise InvalidLink("not a valid link")
    return gateway.link_secret


def _now() -> Micros:
    return Micros(time.time_ns() // 1000)


async def _form(request: Request) -> dict[str, str]:
    """Parse the form; returns the first value of each field."""
    text = (await _body(request)).decode(errors="replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


async def _body(request: Request) -> bytes:
    """Read the body. Raises HTTPException 413 for more than FORM_LIMIT bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise HTTPException(413)
    return bytes(body)
