"""Compose messages and events and pass them to their channels."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities import rendering
from activities.bounded_rendering import RenderingDelayed, TemplateRenderer
from activities.channels import Message, NotDelivered, Sender, message_id
from activities.channels.registry import channel_spec
from activities.channels.webhook import Endpoint, EndpointGone, WebhookChannel
from activities.message_catalogue import TEMPLATES
from activities.sent_messages import as_sent
from activities.stage_actions import CustomerMessage, Delivered, StaffMessage, WebhookEvent
from activities.template_variables import MessageSource, Value, last_day_of_offer, values_of
from db.connections import Pool
from db.outreach import action_outcomes, message_templates, webhook_endpoints
from db.outreach.action_context import ActionContext
from db.outreach.action_outcomes import Outcome
from db.people import assignments
from journey.time import to_micros, utc_text


@dataclass(frozen=True)
class Delivery:
    """The open channels, and what links in messages need.

    Attributes:
        pool: The pool of the application's role.
        senders: The message channels by name.
        webhook: The channel for events.
        public_url: Where the links lead, without a trailing slash.
        link_secret: Signs the links. While it is None, customers get no messages.
        renderer: Renders companies' own templates.
    """

    pool: Pool
    senders: Mapping[str, Sender]
    webhook: WebhookChannel
    public_url: str
    link_secret: str | None
    renderer: TemplateRenderer = field(default_factory=TemplateRenderer)

    async def deliver(self, context: ActionContext, effect: Delivered) -> Outcome:
        """Deliver a message or an event and return the outcome.

        Raises:
            NotDelivered: It was not delivered; ``final`` if a retry would fail too.
            InvalidTemplate: The company's own template cannot be rendered.
        """
        if isinstance(effect, WebhookEvent):
            return await self._deliver_event(context, effect)
        if isinstance(effect, StaffMessage):
            return await self._deliver_to_staff(context, effect)
        return await self._deliver_to_customer(context, effect)

    async def _deliver_to_customer(self, context: ActionContext, effect: CustomerMessage) -> Outcome:
        source = self._source(context, effect.channel)
        values = await values_of(TEMPLATES[effect.template].variables, source)
        rendered = await self._render(context, effect.template, context.profile.locale, values)
        address = context.profile.address(channel_spec(effect.channel))
        assert address is not None  # `consider` has suppressed the others
        message = Message(
            message_id(context.action_key),
            address,
            rendered.subject,
            rendered.text,
            rendered.html,
            unsubscribe_url=str(values["unsubscribe_url"]),
            sender_name=context.outreach.sender_name or context.company_name,
            reply_to=context.outreach.reply_to,
        )
        receipt = await self.senders[effect.channel].send(message)
        sent = as_sent(effect, message, values)
        return Outcome(status="succeeded", detail={**_offer(context, values), "receipt": receipt}, message=sent)

    async def _deliver_to_staff(self, context: ActionContext, effect: StaffMessage) -> Outcome:
        contact = await assignments.find_contact(self.pool, context.company_id, context.relationship_id, effect.role)
        if contact is None:
            reason = f"no active staff member with the role {effect.role} has an e-mail address"
            return Outcome(status="suppressed", reason=reason)
        name, address = contact
        source = self._source(context, effect.channel, staff_name=name)
        values = await values_of(TEMPLATES[effect.template].variables, source)
        rendered = await self._render(context, effect.template, None, values)
        message = Message(message_id(context.action_key), address, rendered.subject, rendered.text, rendered.html)
        receipt = await self.senders[effect.channel].send(message)
        return Outcome(status="succeeded", detail={"receipt": receipt}, message=as_sent(effect, message, values))

    def _source(self, context: ActionContext, channel: str, staff_name: str | None = None) -> MessageSource:
        return MessageSource(context, channel, self.pool, self.public_url, self.link_secret, staff_name)

    async def _render(
        self, context: ActionContext, template: str, locale: str | None, values: Mapping[str, Value]
    ) -> rendering.Rendered:
        try:
            return await compose(self.pool, self.renderer, context.company_id, template, locale, values)
        except RenderingDelayed:
            raise NotDelivered("the template could not be rendered in time on this machine") from None

    async def _deliver_event(self, context: ActionContext, effect: WebhookEvent) -> Outcome:
        """Deliver to each endpoint once: the action's detail lists those that have already received the event.

        Endpoints are independent of each other: neither a slow nor a broken one delays or repeats the others' events.
        """
        endpoints = await webhook_endpoints.active_endpoints(self.pool, context.company_id)
        if not endpoints:
            return Outcome(status="suppressed", reason="no active webhook endpoint")
        delivered: list[int] = list(context.detail.get("told", []))
        timestamp = utc_text(to_micros(_transition_time(context)))
        event = {"type": effect.type, "timestamp": timestamp, "data": effect.data}
        waiting = [row for row in endpoints if row.id not in delivered]
        errors = await asyncio.gather(*(self._send_event(context, row, event) for row in waiting))
        failures = {row.id: error for row, error in zip(waiting, errors, strict=True) if error is not None}
        delivered += [row.id for row in waiting if row.id not in failures]
        retryable = [error for error in failures.values() if not error.final]
        if retryable or any(isinstance(error, EndpointGone) for error in failures.values()):
            await action_outcomes.add_detail(self.pool, context, {"told": delivered})
        for endpoint_id, error in failures.items():
            if isinstance(error, EndpointGone):
                await webhook_endpoints.disable(self.pool, context.company_id, endpoint_id, context.at, error.reason)
        if retryable:
            raise retryable[0]
        if failures and not delivered:
            raise next(iter(failures.values()))
        reasons = "; ".join(f"endpoint {endpoint_id}: {error.reason}" for endpoint_id, error in failures.items())
        return Outcome(status="succeeded", error=reasons or None, detail={"told": delivered})

    async def _send_event(
        self, context: ActionContext, row: webhook_endpoints.SigningEndpoint, event: Mapping[str, object]
    ) -> NotDelivered | None:
        """Deliver to one endpoint; return why it was not delivered, None if it was."""
        endpoint = Endpoint(row.url, row.secret, row.previous_secret)
        try:
            await self.webhook.deliver(endpoint, f"{message_id(context.action_key)}-{row.id}", event)
        except NotDelivered as error:
            return error
        return None


async def compose(
    pool: Pool,
    renderer: TemplateRenderer,
    company_id: int,
    template: str,
    locale: str | None,
    values: Mapping[str, Value],
) -> rendering.Rendered:
    """Render a message from the company's own template, else from the built-in one.

    Raises:
        InvalidTemplate: The company's own template cannot be rendered.
        RenderingDelayed: It could not be rendered in time.
        TooManyWaiting: The renderer's limit of waiting templates is reached.
    """
    locales = rendering.fallbacks(locale)
    saved = await message_templates.find_best_template(pool, company_id, template, locales)
    if saved is None:
        return await asyncio.to_thread(rendering.render, template, locale, values)
    own = rendering.CompanyTemplate(*saved[1])
    return await renderer.render(company_id, template, locale, values, own)


def _offer(context: ActionContext, values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the offer in a message, for the action's detail: its code, and the last day on which it is valid."""
    if "offer_code" not in values:
        return {}
    return {"code": values["offer_code"], "valid_until": last_day_of_offer(context).isoformat()}


def _transition_time(context: ActionContext) -> datetime:
    transitioned_at = context.transition.get("transitioned_at")
    return datetime.fromisoformat(transitioned_at) if transitioned_at else context.at
