"""All channels that deliver messages: the `CHANNEL` of each file in this folder. Other code looks them up here by name.

Webhooks are not among them: an event goes to every endpoint of a company, not to an address (see ``webhook.py``).
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from activities import channels
from activities.channels import MessageChannel, Sender, SettingValues
from activities.channels.file import FileChannel
from journey.channels import ChannelSpec


def _collect() -> dict[str, type[MessageChannel]]:
    found: dict[str, type[MessageChannel]] = {}
    for module in iter_modules(channels.__path__, f"{channels.__name__}."):
        channel = None if module.name == __name__ else getattr(import_module(module.name), "CHANNEL", None)
        if channel is not None:
            found[channel.spec.name] = channel
    return found


CHANNELS = _collect()


def channel_spec(name: str) -> ChannelSpec:
    """Return the channel's description. Raises KeyError for an unknown name."""
    return CHANNELS[name].spec


def customer_channel(name: str) -> ChannelSpec | None:
    """Return the channel if it exists and reaches customers."""
    channel = CHANNELS.get(name)
    return channel.spec if channel and "customers" in channel.spec.audiences else None


def unconfigured_channels(settings: SettingValues) -> list[ChannelSpec]:
    """Return the channels whose messages are saved as files, because their setting is unset."""
    return [channel.spec for channel in CHANNELS.values() if not settings.get(channel.spec.setting)]


def open_channels(settings: SettingValues) -> dict[str, Sender]:
    """Create a sender for each channel; those without their setting save files in the folder ``outbox``.

    Raises ValueError, with the setting's name, for an invalid setting.
    """
    return {name: _open(channel, settings) for name, channel in CHANNELS.items()}


def _open(channel: type[MessageChannel], settings: SettingValues) -> Sender:
    if settings.get(channel.spec.setting):
        return channel.from_settings(settings)
    return FileChannel(Path(settings["outbox"]), channel.file_format(settings))
