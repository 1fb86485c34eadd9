"""The one place that connects to Temporal, with the one data converter.

Address, namespace, credentials and TLS come from the SDK's own environment configuration (``TEMPORAL_ADDRESS``, …).
Payload encryption, when it comes, is a codec on ``CONVERTER``.
"""

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

CONVERTER = DataConverter.default


async def connect(*, runtime: Runtime | None = None, identity: str | None = None) -> Client:
    """A client of the configured Temporal. Raises RuntimeError when it cannot be reached."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=CONVERTER, runtime=runtime, identity=identity)
