"""Preview a message to one customer, as it would be sent if it were requested now."""

from dataclasses import dataclass

from activities.act import withheld
from activities.bounded_rendering import TemplateRenderer
from activities.channels.registry import channel_spec
from activities.delivery import compose
from activities.message_catalogue import TEMPLATES
from activities.rendering import Rendered
from activities.stage_actions import REGISTRY, CustomerMessage
from activities.template_variables import MessageSource, values_of
from db.connections import Pool
from db.outreach.action_context import ActionContext
from db.outreach.action_outcomes import Outcome

EXAMPLE_CODE = "BACK-······"


@dataclass(frozen=True)
class CustomerPreview:
    """A message, the customer's address, and the outcome if the message would not be sent now."""

    channel: str
    address: str | None
    rendered: Rendered
    withheld: Outcome | None


async def preview_for_customer(
    pool: Pool, renderer: TemplateRenderer, context: ActionContext, public_url: str
) -> CustomerPreview:
    """Render the message of an action that sends one.

    Raises:
        ValueError: The action sends no message to the customer.
        InvalidTemplate, RenderingDelayed, TooManyWaiting: As `activities.delivery.compose`.
    """
    effect = REGISTRY[context.name].effect(context)
    if not isinstance(effect, CustomerMessage):
        raise ValueError(f"{context.name} sends no message to the customer")
    variables = TEMPLATES[effect.template].variables
    # These exist only once the message is sent; a preview must not contain a working link or code.
    placeholders = {"offer_code": EXAMPLE_CODE, "unsubscribe_url": f"{public_url}/u/example"}
    names = {name: meaning for name, meaning in variables.items() if name not in placeholders}
    source = MessageSource(context, effect.channel, pool, public_url, link_secret=None)
    values = {**placeholders, **await values_of(names, source)}
    locale = context.profile.locale
    rendered = await compose(
        pool, renderer, context.company_id, effect.template, locale, {name: values[name] for name in variables}
    )
    address = context.profile.address(channel_spec(effect.channel))
    return CustomerPreview(effect.channel, address, rendered, withheld(context, effect))
