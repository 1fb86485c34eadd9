"""Encryption of everything that Temporal stores of a workflow: arguments, results, signals, updates and failures.

Each payload is encrypted with the intake key of its day, which every process derives from `ENCRYPTION_KEYS`. So neither
the gateway nor a worker needs Postgres or a key store for it. Payloads without encryption are read as they are:
histories may be older than the key.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from contracts.encryption import EncryptionKeys, UnreadableError

ENCODING = b"binary/perdure-aes-gcm"
PURPOSE = "intake"

_DAY = 86_400  # seconds


class EncryptionCodec(PayloadCodec):
    """Encrypts payloads if there are keys. A payload whose key is missing raises, and the task is tried again."""

    def __init__(self, keys: EncryptionKeys | None) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        if self._keys is None:
            return list(payloads)
        day = int(time.time()) // _DAY
        return [
            Payload(
                metadata={"encoding": ENCODING},
                data=self._keys.seal(PURPOSE, payload.SerializeToString(), day=day),
            )
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises UnreadableError for a payload whose key is missing."""
        return [self._decode(payload) if _is_encrypted(payload) else payload for payload in payloads]

    def _decode(self, payload: Payload) -> Payload:
        if self._keys is None:
            raise UnreadableError("this payload is encrypted, and ENCRYPTION_KEYS is not set")
        return Payload.FromString(self._keys.open(PURPOSE, payload.data))


def _is_encrypted(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def data_converter(keys: EncryptionKeys | None) -> DataConverter:
    """Return the data converter of all clients and workers. With keys, it also hides the texts of failures."""
    codec = EncryptionCodec(keys)
    if keys is None:
        return DataConverter(payload_codec=codec)
    return DataConverter(payload_codec=codec, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
