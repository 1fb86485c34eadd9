"""The only place that connects to Temporal, with the only data converter.

Address, namespace, credentials and TLS come from the SDK's own environment configuration (``TEMPORAL_ADDRESS``, …), and
in the same way the keys that encrypt payloads come from ``ENCRYPTION_KEYS``.
"""

import os

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from contracts.encryption import EncryptionKeys
from contracts.payload_codec import data_converter


def converter(keys: str | None) -> DataConverter:
    """Return the data converter for a value of ``ENCRYPTION_KEYS``; without keys, it encrypts nothing.

    Raises:
        ValueError: The value is not a list of keys.
    """
    return data_converter(EncryptionKeys.parse(keys) if keys else None)


async def connect(*, runtime: Runtime | None = None, identity: str | None = None) -> Client:
    """Connect to the configured Temporal.

    Raises:
        RuntimeError: Temporal cannot be reached.
        ValueError: ``ENCRYPTION_KEYS`` is not a list of keys.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    data_converter = converter(os.environ.get("ENCRYPTION_KEYS"))
    return await Client.connect(**config, data_converter=data_converter, runtime=runtime, identity=identity)
