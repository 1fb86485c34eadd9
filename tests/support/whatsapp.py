"""A WhatsApp channel, to prove that a new channel is one file: it could be ``activities/channels/whatsapp.py``."""

from typing import ClassVar, Self

import httpx2

from activities.channels import FileFormat, Message, NotDelivered, SettingValues
from activities.channels.sms import normalized_number
from activities.channels.text import plain_lines
from journey.channels import ChannelSpec


class WhatsAppChannel:
    """Send through a gateway that takes ``{"to", "text", "id"}`` as JSON at ``WHATSAPP_URL``."""

    spec: ClassVar = ChannelSpec(
        name="whatsapp",
        label="WhatsApp",
        messages="WhatsApp messages",
        audiences=frozenset({"customers"}),
        address_field="phone",
        address_label="phone number",
        template_parts=("text",),
        setting="whatsapp_url",
    )

    def __init__(self, url: str) -> None:
        self._url = url

    @classmethod
    def from_settings(cls, settings: SettingValues) -> Self:
        return cls(settings["whatsapp_url"])

    @classmethod
    def file_format(cls, settings: SettingValues) -> FileFormat:
        return FileFormat("txt", lambda message: plain_lines(message.text).encode())

    async def send(self, message: Message) -> str:
        body = {"to": normalized_number(message.to), "text": plain_lines(message.text), "id": message.id}
        async with httpx2.AsyncClient() as client:
            try:
                response = await client.post(self._url, json=body)
            except httpx2.HTTPError as error:
                raise NotDelivered(f"WhatsApp: no connection ({type(error).__name__})") from None
        if response.status_code >= 400:
            raise NotDelivered(f"WhatsApp: HTTP {response.status_code}")
        return f"{response.status_code} accepted"
