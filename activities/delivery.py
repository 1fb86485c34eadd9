"""Messages, composed and handed to their channels: what is said, to whom, with which links and which code."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activities import rendering
from activities.channels import Channel, Message, NotDelivered, message_id
from activities.channels.webhook import Endpoint, EndpointGone, WebhookChannel
from activities.stage_actions import Mail, Notice, StaffMail, Text
from db.connections import Pool
from db.outreach import actions
from db.outreach import delivery_context as known
from db.outreach.actions import ActionRow, Outcome, Surroundings
from journey import signed_tokens
from journey.outreach import Outreach, Profile
from journey.time import to_micros, utc_text

FEEDBACK_OPEN = timedelta(days=60)


@dataclass(frozen=True)
class About:
    """Whom a message is about, and when it is sent."""

    company_id: int
    customer_id: str
    profile: Profile
    outreach: Outreach
    found: Surroundings
    at: datetime


@dataclass(frozen=True)
class Delivery:
    """The ways out. ``link_secret`` None: no link can be signed, and no message with one goes out."""

    pool: Pool
    email: Channel
    sms: Channel
    webhook: WebhookChannel
    public_url: str
    link_secret: str | None

    async def deliver(
        self, about: About, tail: str, row: ActionRow, effect: Mail | Text | StaffMail | Notice
    ) -> Outcome:
        """Send it; what was done, as an outcome. Raises NotDelivered."""
        if isinstance(effect, Notice):
            return await self._notify(about, row, effect)
        if isinstance(effect, StaffMail):
            return await self._tell_staff(about, row, effect)
        if self.link_secret is None:
            raise NotDelivered("LINK_SECRET is not set: a message without a way to unsubscribe is not sent", final=True)
        content, detail = self._content(about, tail, effect, self.link_secret)
        message = await self._composed(about, row, effect.template, content, effect)
        receipt = await (self.sms if isinstance(effect, Text) else self.email).send(message)
        return Outcome(status="succeeded", detail={**detail, "receipt": receipt})

    def _content(
        self, about: About, tail: str, effect: Mail | Text, secret: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the words are about, and what of it stays on record."""
        company, customer = about.company_id, about.customer_id
        channel = "sms" if isinstance(effect, Text) else "email"
        token = signed_tokens.unsubscribe_token(secret, company, customer, channel)
        content: dict[str, Any] = {"unsubscribe_url": f"{self.public_url}/u/{token}"}
        detail: dict[str, Any] = {}
        if isinstance(effect, Mail) and effect.asks:
            expires = to_micros(about.at + FEEDBACK_OPEN)
            token = signed_tokens.feedback_token(secret, company, customer, tail, expires)
            content["feedback_url"] = f"{self.public_url}/f/{token}"
        if isinstance(effect, Mail) and effect.offer:
            plan = about.outreach
            detail["code"] = signed_tokens.offer_code(secret, company, customer, tail)
            until = (about.at + timedelta(days=plan.offer_valid_days)).date()
            content |= {"offer_code": detail["code"], "offer_percent": plan.offer_percent}
            content["offer_until"] = rendering.date_text(until, about.profile.locale)
        return content, detail

    async def _composed(
        self, about: About, row: ActionRow, template: str, content: Mapping[str, Any], effect: Mail | Text
    ) -> Message:
        profile = about.profile
        rendered = await self._rendered(about, template, profile.locale, {**content, "name": profile.name})
        to, headers = profile.phone, {}
        if isinstance(effect, Mail):
            to = profile.email
            # RFC 8058: the mail program's own button
            headers = {
                "List-Unsubscribe": f"<{content['unsubscribe_url']}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        assert to is not None
        return Message(
            message_id(row.action_key),
            to,
            rendered.subject,
            rendered.text,
            rendered.html,
            headers,
            sender_name=about.outreach.sender_name or about.found.company,
            reply_to=about.outreach.reply_to,
        )

    async def _rendered(
        self, about: About, template: str, locale: str | None, content: Mapping[str, Any]
    ) -> rendering.Rendered:
        own = await known.template(self.pool, about.company_id, template, rendering.fallbacks(locale))
        override = None if own is None else rendering.Own(*own)
        context = {"company_name": about.found.company, **content}
        return await asyncio.to_thread(rendering.render, template, locale, context, override)

    async def _tell_staff(self, about: About, row: ActionRow, effect: StaffMail) -> Outcome:
        person = await known.staff_address(self.pool, about.company_id, about.found.relationship_id, effect.role)
        if person is None:
            reason = f"nobody active with the role {effect.role} has an e-mail address"
            return Outcome(status="suppressed", reason=reason)
        name, address = person
        standing = about.found.standing
        last = standing["last_appointment_at"]
        content = {
            "staff_name": name,
            "customer_id": about.customer_id,
            "customer_name": about.profile.name,
            "days_inactive": (about.at - datetime.fromisoformat(last)).days if last else None,
            "risk": standing["risk_score"],
            "reason": row.move.get("trigger_event"),
        }
        rendered = await self._rendered(about, effect.template, None, content)
        message = Message(message_id(row.action_key), address, rendered.subject, rendered.text, rendered.html)
        receipt = await self.email.send(message)
        return Outcome(status="succeeded", detail={"receipt": receipt})

    async def _notify(self, about: About, row: ActionRow, effect: Notice) -> Outcome:
        """To each endpoint once: those that were told already are remembered with the action."""
        endpoints = await known.endpoints(self.pool, about.company_id)
        if not endpoints:
            return Outcome(status="suppressed", reason="no webhook endpoint is on")
        told: list[int] = list(row.detail.get("told", []))
        refused: list[NotDelivered] = []
        event = {"type": effect.type, "timestamp": utc_text(to_micros(_decided(row, about))), "data": effect.content}
        for endpoint in endpoints:
            if endpoint.id in told:
                continue
            where = Endpoint(endpoint.url, endpoint.secret, endpoint.previous_secret)
            try:
                await self.webhook.deliver(where, f"{message_id(row.action_key)}-{endpoint.id}", event)
                told.append(endpoint.id)
            except EndpointGone as gone:
                await known.switch_off(self.pool, about.company_id, endpoint.id, about.at, gone.reason)
                refused.append(gone)
            except NotDelivered as error:
                refused.append(error)
        waiting = [error for error in refused if not error.final]
        if waiting:
            await actions.remember(self.pool, about.company_id, row.id, {"told": told})
            raise waiting[0]
        if refused and not told:
            raise refused[0]
        return Outcome(status="succeeded", detail={"told": told})


def _decided(row: ActionRow, about: About) -> datetime:
    moved = row.move.get("transitioned_at")
    return datetime.fromisoformat(moved) if moved else about.at
