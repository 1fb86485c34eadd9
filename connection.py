"""The only place that connects to Temporal, with the only data converter.

Address, namespace, credentials and TLS come from the SDK's own environment configuration (``TEMPORAL_ADDRESS``, …).
Payload encryption would be a codec on ``CONVERTER``.
"""

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

CONVERTER = DataConverter.default


async def connect(*, runtime: Runtime | None = None, identity: str | None = None) -> Client:
    """Connect to the configured Temporal.

    Raises:
        RuntimeError: Temporal cannot be reached.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=CONVERTER, runtime=runtime, identity=identity)
