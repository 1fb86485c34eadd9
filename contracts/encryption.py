"""AES-GCM with the keys of `ENCRYPTION_KEYS`, from which a key is derived for each purpose and, if wanted, each day."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
FORM = "base64 of 32 random bytes for each key, separated by commas; `openssl rand -base64 32` makes one"

_FINGERPRINT = 5  # bytes of a sealed text that say which key it needs
_DAY = 3  # … and which day's key
_NONCE = 12
_PREFIX = _FINGERPRINT + _DAY + _NONCE


class UnreadableError(ValueError):
    """A sealed text cannot be opened: its key is missing, or it was changed. The message contains nothing of it."""


class EncryptionKeys:
    """The installation's keys. The first one seals; all of them open, so that a new one can be put in front."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises ValueError if there is no key, or one that is not 32 bytes long."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(FORM)
        self._keys = {_fingerprint(key): key for key in keys}
        self._first = next(iter(self._keys))

    @classmethod
    def parse(cls, text: str) -> EncryptionKeys:
        """Read the value of `ENCRYPTION_KEYS`. Raises ValueError, which does not quote it."""
        try:
            parts = [part.strip().replace("-", "+").replace("_", "/").rstrip("=") for part in text.split(",")]
            return cls([base64.b64decode(part + "=" * (-len(part) % 4), validate=True) for part in parts])
        except (binascii.Error, ValueError):
            raise ValueError(f"ENCRYPTION_KEYS: {FORM}") from None

    def seal(self, purpose: str, plaintext: bytes, *, bound_to: bytes = b"", day: int = 0) -> bytes:
        """Encrypt a text.

        Args:
            purpose: Texts of one purpose cannot be opened as those of another.
            plaintext: The text.
            bound_to: What has to be passed again to open it, such as the id of the row that it belongs to.
            day: The day since 1970 whose key is used; 0: the same key always.
        """
        prefix = self._first + day.to_bytes(_DAY)
        nonce = urandom(_NONCE)
        cipher = _cipher(self._keys[self._first], purpose, day)
        return prefix + nonce + cipher.encrypt(nonce, plaintext, prefix + bound_to)

    def open(self, purpose: str, sealed: bytes, *, bound_to: bytes = b"") -> bytes:
        """Decrypt a text.

        Raises:
            UnreadableError: Its key is not among these, or the text, its purpose or `bound_to` is not what was sealed.
        """
        if len(sealed) <= _PREFIX:
            raise UnreadableError("the encrypted text is too short")
        fingerprint, nonce = sealed[:_FINGERPRINT], sealed[_PREFIX - _NONCE : _PREFIX]
        day = sealed[_FINGERPRINT : _PREFIX - _NONCE]
        if (key := self._keys.get(fingerprint)) is None:
            raise UnreadableError("encrypted with a key that is not in ENCRYPTION_KEYS")
        cipher = _cipher(key, purpose, int.from_bytes(day))
        try:
            return cipher.decrypt(nonce, sealed[_PREFIX:], fingerprint + day + bound_to)
        except InvalidTag:
            raise UnreadableError("the encrypted text was changed, or belongs to something else") from None


def _fingerprint(key: bytes) -> bytes:
    return sha256(b"fingerprint of an encryption key" + key).digest()[:_FINGERPRINT]


@lru_cache(maxsize=1024)  # a derivation costs as much as ten texts
def _cipher(key: bytes, purpose: str, day: int) -> AESGCM:
    return AESGCM(_derive(key, f"{purpose}: {day}"))


def _derive(key: bytes, info: str) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info.encode()).derive(key)
