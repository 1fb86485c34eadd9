"""What the rules of outreach need to know of a channel. The channels themselves are in ``activities/channels``."""

from typing import Literal

from msgspec import Struct

Audience = Literal["customers", "staff", "systems"]
AddressField = Literal["email", "phone"]
TemplatePart = Literal["subject", "html", "text"]


class ChannelSpec(Struct, frozen=True, kw_only=True):
    """A channel as data: everything that code outside the channel's own file needs to know of it.

    Attributes:
        name: Stored with actions, in unsubscribe links, and as the key of a customer's consent.
        label: Completes "no consent to …".
        messages: Plural, completes "You will not receive any more … from us".
        audiences: Who is reached. Only messages to customers need consent and respect quiet hours.
        address_field: The field of `journey.outreach.Profile` with the customer's address.
        address_label: Completes "no …" when that field is empty.
        template_parts: The parts of a template that the channel sends; ``html`` is always optional.
        max_text: The longest text (characters) that it sends; the rest is cut off.
        setting: The field of `settings.Settings` with the provider's URL. While it is unset, messages are saved as
            files.
    """

    name: str
    label: str
    messages: str
    audiences: frozenset[Audience]
    address_field: AddressField | None = None
    address_label: str = "address"
    template_parts: tuple[TemplatePart, ...] = ()
    max_text: int = 200_000
    setting: str = ""
